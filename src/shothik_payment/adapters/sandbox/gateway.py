"""The sandbox as a payment gateway."""

from __future__ import annotations

import json
from dataclasses import replace

from shothik_payment.adapters.sandbox.session import OUTCOMES, SandboxSession
from shothik_payment.adapters.sandbox.signature import HEADER, Signer
from shothik_payment.domain.errors import InvalidRequest, NotFound, Unavailable
from shothik_payment.domain.model.money import CURRENCIES, Money
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.documents import Documents
from shothik_payment.domain.ports.gateway import Checkout, GatewayReport, GatewayState

_ATTEMPTS = 10


class SandboxGateway:
    """`page_address`: where its checkout pages are, without the session's id and slash."""

    name = "sandbox"
    currencies = CURRENCIES

    def __init__(
        self, documents: Documents, signer: Signer, clock: Clock, page_address: str
    ) -> None:
        self._documents = documents
        self._signer = signer
        self._clock = clock
        self._page_address = page_address

    async def start_checkout(self, payment: Payment) -> Checkout:
        session = SandboxSession(
            # Derived, so that the same payment always has the same session, and a secret, since
            # whoever knows the address of a checkout may end it.
            id=f"sbx_{self._signer.digest(b'session ' + payment.id.encode())[:32]}",
            payment_id=payment.id,
            user_id=payment.user_id,
            credits=payment.credits,
            pack_id=payment.pack_id,
            amount_minor=payment.price.amount_minor,
            currency=payment.price.currency,
            success_url=payment.success_url,
            cancel_url=payment.cancel_url,
        )
        await self._documents.replace(session.id, None, session.encode())
        return Checkout(session.id, f"{self._page_address}/{session.id}")

    async def look_up(self, payment: Payment) -> GatewayReport:
        session = await self.session(payment.session_id or "")
        return session.report(session.state(self._clock.now()))

    async def session(self, session_id: str) -> SandboxSession:
        """Raises NotFound."""
        return SandboxSession.decode(await self._document(session_id))

    async def _document(self, session_id: str) -> bytes:
        document = await self._documents.get(session_id)
        if document is None:
            raise NotFound("checkout", session_id)
        return document

    async def decide(self, session_id: str, outcome: str) -> tuple[SandboxSession, bool]:
        """End a checkout: the first outcome stays. The session as it is then, and whether this
        call ended it. Raises NotFound, and InvalidRequest for an outcome that there is not."""
        if outcome not in OUTCOMES:
            raise InvalidRequest.of("outcome", f"one of {', '.join(OUTCOMES)}")
        for _ in range(_ATTEMPTS):
            stored = await self._document(session_id)
            session = SandboxSession.decode(stored)
            if session.outcome is not None:
                return session, False
            ended = replace(session, outcome=outcome, decided_at=self._clock.now())
            if await self._documents.replace(session_id, stored, ended.encode()):
                return ended, True
        raise Unavailable("The checkout is too busy.")

    def notification(self, session: SandboxSession, state: GatewayState) -> bytes:
        """What the sandbox tells the service, as the raw body of a webhook."""
        report = session.report(state)
        return json.dumps(
            {
                "paymentId": report.payment_id,
                "sessionId": report.session_id,
                "state": report.state,
                "amountMinor": report.paid.amount_minor if report.paid else None,
                "currency": report.paid.currency if report.paid else None,
                "failureCode": report.failure_code,
            }
        ).encode()

    def read_notification(self, body: bytes, headers: dict[str, str]) -> GatewayReport:
        self._signer.require(headers.get(HEADER, ""), body, self._clock.now())
        try:
            told = json.loads(body)
            state = GatewayState(told["state"])
            paid = None
            if state is GatewayState.PAID:
                paid = Money(told["amountMinor"], told["currency"])
            return GatewayReport(
                told["paymentId"], told["sessionId"], state, paid, told.get("failureCode")
            )
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidRequest.of("body", "a notification of the sandbox") from error
