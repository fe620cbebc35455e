"""Checkouts: begun, asked for, and taken once the payer has approved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shothik_payment.adapters.bkash import answers, states
from shothik_payment.adapters.bkash.answers import Answer, NoAnswer
from shothik_payment.adapters.bkash.client import CREATE, EXECUTE, QUERY, BkashClient
from shothik_payment.adapters.bkash.formats import CURRENCY, plain
from shothik_payment.adapters.bkash.notes import ByAgreement, Notes
from shothik_payment.adapters.bkash.turns import turn
from shothik_payment.domain.errors import GatewayRefused, Unavailable
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.gateway import Checkout, GatewayReport, GatewayState
from shothik_payment.domain.ports.shared_lock import SharedLock

NAME = "bkash"

_ONE_OFF = "0011"
_AGREEMENT = "0000"
_BY_AGREEMENT = "0001"
_WAIT_SECONDS = 40.0
"""Longer than an execute takes, so that who waited finds it done."""


class Checkouts:
    def __init__(
        self, client: BkashClient, callback_url: str, notes: Notes, lock: SharedLock, clock: Clock
    ) -> None:
        self._client = client
        self._callback_url = callback_url
        self._notes = notes
        self._lock = lock
        self._clock = clock

    async def start(self, payment: Payment) -> Checkout:
        _require_taka(payment)
        if payment.saves_method:
            answer = await self._create(payment, _AGREEMENT, {})
            # Made already: it stays on file, and this payment is one without it.
            if answer.code != answers.AGREEMENT_EXISTS:
                return _checkout(answer)
        return _checkout(await self._create(payment, _ONE_OFF, self._sale(payment)))

    async def session_of(self, payment: Payment) -> str:
        """bKash's id of the checkout in which the payment's money moves."""
        begun = await self._notes.by_agreement(payment.id)
        return _session(payment, begun)

    async def look_up(self, payment: Payment) -> tuple[GatewayReport, dict[str, Any]]:
        """The report, and bKash's fields."""
        begun = await self._notes.by_agreement(payment.id)
        fields = await self._query(payment, _session(payment, begun))
        return self._with_page(states.report(payment, fields, self._clock.now()), begun), fields

    async def complete(self, payment: Payment) -> GatewayReport:
        async with turn(
            self._lock, f"bkash:execute:{payment.session_id or payment.id}", _WAIT_SECONDS
        ):
            begun = await self._notes.by_agreement(payment.id)
            fields = await self._query(payment, _session(payment, begun))
            if begun is None and states.is_agreement(fields):
                return await self._complete_agreement(payment, fields)
            return await self._take(payment, fields, begun)

    async def charge(self, payment: Payment) -> GatewayReport:
        _require_taka(payment)
        async with turn(self._lock, f"bkash:charge:{payment.id}", _WAIT_SECONDS):
            begun = await self._notes.by_agreement(payment.id)
            if begun is None:
                agreement_id = await self._notes.agreement(payment.user_id)
                if agreement_id is None:
                    raise GatewayRefused(NAME, "there is no agreement on file")
                created = await self._begin(payment, agreement_id, unattended=True)
                if isinstance(created, GatewayReport):
                    return created
                begun = created
            charged = replace(payment, session_id=begun.session_id)
            fields = await self._query(charged, begun.session_id)
            return await self._take(charged, fields, begun)

    async def _complete_agreement(self, payment: Payment, fields: dict[str, Any]) -> GatewayReport:
        session_id = _session(payment, None)
        report = states.report(payment, fields, self._clock.now())
        if report.state is not GatewayState.OPEN:
            return report
        if states.agreement_made(fields) is None:
            answer = await self._execute(payment, session_id)
            if answer.code is not None:
                return states.refused(payment, session_id, answer.code)
            fields = answer.fields
        agreement_id = states.agreement_made(fields)
        if agreement_id is None:
            return report
        await self._notes.keep_agreement(payment.user_id, agreement_id)
        begun = await self._begin(payment, agreement_id, unattended=False)
        if isinstance(begun, GatewayReport):
            return begun
        if begun.url is not None:
            return replace(report, continue_url=begun.url)
        return await self._take(payment, await self._query(payment, begun.session_id), begun)

    async def _begin(
        self, payment: Payment, agreement_id: str, *, unattended: bool
    ) -> ByAgreement | GatewayReport:
        """A payment by agreement, one for each payment of ours; a report where it is refused."""
        more = {**self._sale(payment), "agreementID": agreement_id}
        answer = await self._create(payment, _BY_AGREEMENT, more)
        if answer.code is None:
            session_id, url = answer.text("paymentID"), answer.text("bkashURL")
            if not session_id:
                raise Unavailable("bKash tells of a checkout without its id.")
            begun = ByAgreement(session_id, url or None, unattended)
            return await self._notes.keep_by_agreement(payment.id, begun)
        if answer.code in answers.AGREEMENT_GONE:
            await self._notes.drop_agreement(payment.user_id, agreement_id)
        return states.refused(payment, None, answer.code)

    async def _take(
        self, payment: Payment, fields: dict[str, Any], begun: ByAgreement | None
    ) -> GatewayReport:
        """Execute it, unless bKash has said already what became of it."""
        report = self._with_page(states.report(payment, fields, self._clock.now()), begun)
        if report.state is not GatewayState.OPEN:
            return report
        session_id = _session(payment, begun)
        answer = await self._execute(payment, session_id)
        if answer.code is None:
            taken = states.report(payment, answer.fields, self._clock.now())
        elif answer.code == answers.NOT_APPROVED and begun is not None and begun.unattended:
            taken = _payer_needed(report)
        else:
            taken = states.refused(payment, session_id, answer.code)
        return self._with_page(taken, begun)

    async def _execute(self, payment: Payment, session_id: str) -> Answer:
        """Once. What its answer leaves open, a query tells; it is not executed again for that."""
        try:
            answer = await self._client.call(EXECUTE, {"paymentID": session_id})
        except NoAnswer:
            return Answer(await self._query(payment, session_id))
        if answer.code in answers.SAID_OF_EXECUTE:
            return answer
        if answer.code is None and (answer.text("trxID") or answer.text("agreementID")):
            return answer
        return Answer(await self._query(payment, session_id))

    async def _query(self, payment: Payment, session_id: str) -> dict[str, Any]:
        answer = await self._client.ask(QUERY, {"paymentID": session_id})
        if answer.code is None:
            return answer.fields
        age = self._clock.now() - payment.created_at
        if answer.code in answers.NOT_FOUND and age > states.SESSION_LIFE_MS:
            return {"transactionStatus": "Expired"}
        raise Unavailable(f"bKash cannot say what became of a checkout (code {answer.code}).")

    async def _create(self, payment: Payment, mode: str, more: dict[str, str]) -> Answer:
        body = {
            "mode": mode,
            "payerReference": plain(payment.user_id, "payer"),
            "callbackURL": self._callback_url,
            **more,
        }
        return await self._client.ask(CREATE, body)

    def _sale(self, payment: Payment) -> dict[str, str]:
        return {
            "amount": payment.price.decimal(),
            "currency": CURRENCY,
            "intent": "sale",
            "merchantInvoiceNumber": payment.id,
        }

    def _with_page(self, report: GatewayReport, begun: ByAgreement | None) -> GatewayReport:
        if begun is None or begun.url is None or report.state is not GatewayState.OPEN:
            return report
        if begun.unattended:
            return _payer_needed(report)
        return replace(report, continue_url=begun.url)


def _payer_needed(report: GatewayReport) -> GatewayReport:
    return replace(report, state=GatewayState.FAILED, failure_code=states.PAYER_NEEDED)


def _require_taka(payment: Payment) -> None:
    if payment.price.currency != CURRENCY:
        raise GatewayRefused(NAME, f"it takes {CURRENCY} only")


def _session(payment: Payment, begun: ByAgreement | None) -> str:
    session_id = begun.session_id if begun is not None else payment.session_id
    if session_id is None:
        raise Unavailable("The payment has no checkout at bKash yet.")
    return session_id


def _checkout(answer: Answer) -> Checkout:
    if answer.code is not None:
        raise GatewayRefused(NAME, f"it refuses the checkout (code {answer.code})")
    session_id, url = answer.text("paymentID"), answer.text("bkashURL")
    if not session_id or not url.startswith(("https://", "http://")):
        raise Unavailable("bKash tells of a checkout without its id or its page.")
    return Checkout(session_id, url)
