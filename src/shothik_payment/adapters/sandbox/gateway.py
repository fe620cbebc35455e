"""The sandbox as a payment gateway."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from shothik_payment.adapters.sandbox.session import OUTCOMES, SandboxSession
from shothik_payment.adapters.sandbox.signature import HEADER, Signer
from shothik_payment.domain.errors import GatewayRefused, InvalidRequest, NotFound, Unavailable
from shothik_payment.domain.model.money import CURRENCIES
from shothik_payment.domain.model.payment import Payment, Refund
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.documents import Documents
from shothik_payment.domain.ports.gateway import (
    Capabilities,
    Checkout,
    GatewayRefund,
    GatewayReport,
    GatewayState,
    Notification,
    SavedMethod,
)

_ATTEMPTS = 10
_ON_FILE, _FORGOTTEN = b"on file", b"forgotten"


class SandboxGateway:
    """`page_address`: where its checkout pages are, without the session's id and slash."""

    name = "sandbox"
    capabilities = Capabilities(CURRENCIES, recurring=True, partial_refunds=True, cancel=True)

    def __init__(
        self, documents: Documents, signer: Signer, clock: Clock, page_address: str
    ) -> None:
        self._documents = documents
        self._signer = signer
        self._clock = clock
        self._page_address = page_address

    async def start_checkout(self, payment: Payment) -> Checkout:
        session = self._session_for(payment, b"session ")
        await self._documents.replace(session.id, None, session.encode())
        return Checkout(session.id, f"{self._page_address}/{session.id}")

    def _session_for(self, payment: Payment, purpose: bytes) -> SandboxSession:
        return SandboxSession(
            # Derived, so that the same payment always has the same session, and a secret, since
            # whoever knows the address of a checkout may end it.
            id=f"sbx_{self._signer.digest(purpose + payment.id.encode())[:32]}",
            payment_id=payment.id,
            user_id=payment.user_id,
            credits=payment.credits,
            pack_id=payment.pack_id,
            amount_minor=payment.price.amount_minor,
            currency=payment.price.currency,
            success_url=payment.success_url,
            cancel_url=payment.cancel_url,
            saves_method=payment.saves_method,
            plan=payment.plan,
        )

    async def look_up(self, payment: Payment) -> GatewayReport:
        session = await self.session(payment.session_id or "")
        return session.report(session.state(self._clock.now()))

    async def complete(self, payment: Payment) -> GatewayReport:
        return await self.look_up(payment)

    async def refund(self, payment: Payment, refund: Refund) -> GatewayRefund:
        def refunded(session: SandboxSession) -> SandboxSession | None:
            known = dict(session.refunds)
            if refund.id in known:
                return None
            if session.state(self._clock.now()) is not GatewayState.PAID:
                raise GatewayRefused(self.name, "not_paid")
            if sum(known.values()) + refund.amount_minor > session.amount_minor:
                raise GatewayRefused(self.name, "exceeds_payment")
            return replace(session, refunds=[*session.refunds, [refund.id, refund.amount_minor]])

        session, _ = await self._change(payment.session_id or "", refunded)
        return session.refund(refund.id, refund.amount_minor)

    async def cancel(self, payment: Payment) -> GatewayReport:
        session, _ = await self.decide(payment.session_id or "", "cancelled")
        return session.report(session.state(self._clock.now()))

    async def charge(self, payment: Payment) -> GatewayReport:
        session = self._session_for(payment, b"charge ")
        paid = replace(session, outcome="success", decided_at=self._clock.now(), charges=1)
        on_file = await self.saved_method(payment.user_id) is not None
        if not (on_file and await self._documents.replace(paid.id, None, paid.encode())):
            # What was charged before the method was taken off stays charged.
            await self._charged_again(paid.id)
        return paid.report(GatewayState.PAID)

    async def _charged_again(self, session_id: str) -> None:
        try:
            await self._change(session_id, lambda s: replace(s, charges=s.charges + 1))
        except NotFound:
            raise GatewayRefused(self.name, "no_saved_method") from None

    async def saved_method(self, user_id: str) -> SavedMethod | None:
        stored = await self._documents.get(_method(user_id))
        return SavedMethod("play money") if stored == _ON_FILE else None

    async def forget_method(self, user_id: str) -> None:
        await self._documents.replace(_method(user_id), _ON_FILE, _FORGOTTEN)

    async def session(self, session_id: str) -> SandboxSession:
        """Raises NotFound."""
        return SandboxSession.decode(await self._document(session_id))

    async def _document(self, session_id: str) -> bytes:
        document = await self._documents.get(session_id)
        if document is None:
            raise NotFound("checkout", session_id)
        return document

    async def _change(
        self, session_id: str, change: Callable[[SandboxSession], SandboxSession | None]
    ) -> tuple[SandboxSession, bool]:
        """Store what `change` makes of the session, None: nothing. The session as it is then, and
        whether this call has changed it. Raises NotFound."""
        for _ in range(_ATTEMPTS):
            stored = await self._document(session_id)
            session = SandboxSession.decode(stored)
            changed = change(session)
            if changed is None:
                return session, False
            if await self._documents.replace(session_id, stored, changed.encode()):
                return changed, True
        raise Unavailable("The checkout is too busy.")

    async def decide(self, session_id: str, outcome: str) -> tuple[SandboxSession, bool]:
        """End a checkout: the first outcome stays. The session as it is then, and whether this
        call ended it. Raises NotFound, and InvalidRequest for an outcome that there is not."""
        if outcome not in OUTCOMES:
            raise InvalidRequest.of("outcome", f"one of {', '.join(OUTCOMES)}")

        def ended(session: SandboxSession) -> SandboxSession | None:
            if session.outcome is not None:
                return None
            return replace(session, outcome=outcome, decided_at=self._clock.now())

        session, ended_now = await self._change(session_id, ended)
        if session.saves_method and session.ends_paid:
            await self._put_on_file(session.user_id)
        return session, ended_now

    async def _put_on_file(self, user_id: str) -> None:
        for before in (None, _FORGOTTEN):
            await self._documents.replace(_method(user_id), before, _ON_FILE)

    def notification(self, session: SandboxSession, state: GatewayState) -> bytes:
        """What the sandbox tells the service, as the raw body of a webhook."""
        return json.dumps(
            {
                "eventId": f"{session.id} {state}",
                "paymentId": session.payment_id,
                "sessionId": session.id,
                "state": state,
            }
        ).encode()

    async def read_notification(self, body: bytes, headers: dict[str, str]) -> Notification | None:
        self._signer.require(headers.get(HEADER, ""), body, self._clock.now())
        try:
            told = json.loads(body)
            state = GatewayState(told["state"])
            return Notification(told["eventId"], state, told["paymentId"], told["sessionId"])
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidRequest.of("body", "a notification of the sandbox") from error

    async def close(self) -> None: ...

    async def find_payment(self, notification: Notification) -> str | None:
        try:
            return (await self.session(notification.session_id or "")).payment_id
        except NotFound:
            return None


def _method(user_id: str) -> str:
    return f"method {user_id}"
