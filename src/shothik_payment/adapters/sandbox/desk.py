"""Where the payer's choice arrives."""

from __future__ import annotations

import asyncio

from shothik_payment.adapters.sandbox.gateway import SandboxGateway
from shothik_payment.adapters.sandbox.notifier import Notifier
from shothik_payment.adapters.sandbox.session import SandboxSession

_WAIT_SECONDS = 2.0


class SandboxDesk:
    def __init__(self, gateway: SandboxGateway, notifier: Notifier) -> None:
        self._gateway = gateway
        self._notifier = notifier

    async def session(self, session_id: str) -> SandboxSession:
        """Raises NotFound."""
        return await self._gateway.session(session_id)

    async def finish(self, session_id: str, outcome: str) -> tuple[SandboxSession, bool]:
        """End the checkout, unless it has ended; the session, and whether this call ended it.

        The service is told before this returns, where that takes no longer than two seconds: so a
        browser that comes back sees its credits. Raises NotFound and InvalidRequest.
        """
        session, ended_now = await self._gateway.decide(session_id, outcome)
        telling = self._notifier.tell(session) if ended_now else None
        if telling is not None and not session.told_after_ms:
            await asyncio.wait({telling}, timeout=_WAIT_SECONDS)
        return session, ended_now
