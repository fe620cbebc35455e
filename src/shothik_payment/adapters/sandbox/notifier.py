"""Telling the service what came of a checkout, over the same way as any gateway would."""

from __future__ import annotations

import asyncio
import logging

import httpx

from shothik_payment.adapters.sandbox.gateway import SandboxGateway
from shothik_payment.adapters.sandbox.session import SandboxSession
from shothik_payment.adapters.sandbox.signature import HEADER, Signer
from shothik_payment.domain.ports.clock import Clock

log = logging.getLogger(__name__)

_PAUSES_SECONDS = (0.1, 0.5, 2.0, 5.0)
_TIMEOUT_SECONDS = 5.0
_MAX_UNDER_WAY = 200


class Notifier:
    """Posts signed notifications to `address`, each a few times until it is taken.

    What is not delivered is not lost: the service asks the gateway about open payments.
    """

    def __init__(
        self,
        gateway: SandboxGateway,
        signer: Signer,
        clock: Clock,
        address: str,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`transport` None: the network."""
        self._gateway = gateway
        self._signer = signer
        self._clock = clock
        self._address = address
        self._transport = transport
        self._under_way: set[asyncio.Task[None]] = set()

    def tell(self, session: SandboxSession) -> asyncio.Task[None] | None:
        """Start telling; None where there is nothing to tell, or too much is under way."""
        if not session.told() or len(self._under_way) >= _MAX_UNDER_WAY:
            return None
        task = asyncio.get_running_loop().create_task(self._tell(session), name="sandbox-tells")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def close(self) -> None:
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _tell(self, session: SandboxSession) -> None:
        await asyncio.sleep(session.told_after_ms / 1000)
        # Its own address: no proxy in between.
        async with httpx.AsyncClient(
            transport=self._transport, timeout=_TIMEOUT_SECONDS, trust_env=False
        ) as client:
            for state in session.told():
                body = self._gateway.notification(session, state)
                if not await self._deliver(client, body):
                    log.warning("the sandbox could not tell of payment %s", session.payment_id)
                    return

    async def _deliver(self, client: httpx.AsyncClient, body: bytes) -> bool:
        for pause in (*_PAUSES_SECONDS, None):
            try:
                answer = await client.post(
                    self._address,
                    content=body,
                    headers={
                        "Content-Type": "application/json",
                        HEADER: self._signer.sign(body, self._clock.now()),
                    },
                )
            except httpx.HTTPError as error:
                log.info("the sandbox could not reach the service: %r", error)
            else:
                if answer.is_success:
                    return True
            if pause is not None:
                await asyncio.sleep(pause)
        return False
