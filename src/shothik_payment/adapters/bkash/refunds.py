"""Refunds. bKash has no idempotency key, so each is noted down before it is asked for, and looked
for before it is asked for again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shothik_payment.adapters.bkash import answers
from shothik_payment.adapters.bkash.answers import Answer, NoAnswer
from shothik_payment.adapters.bkash.checkouts import NAME
from shothik_payment.adapters.bkash.client import REFUND, REFUND_STATUS, BkashClient
from shothik_payment.adapters.bkash.formats import CURRENCY, amount, plain
from shothik_payment.adapters.bkash.notes import Asked, Notes
from shothik_payment.adapters.bkash.turns import turn
from shothik_payment.domain.errors import GatewayRefused, Unavailable
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import Payment, Refund, RefundState
from shothik_payment.domain.model.time import SECOND
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.gateway import GatewayRefund
from shothik_payment.domain.ports.shared_lock import SharedLock

UNDER_WAY_MS = 110 * SECOND
"""A request that was sent and not answered may still be done for so long: until then it is looked
for, and not sent again."""
_WAIT_SECONDS = 10.0
_STATES = {
    "completed": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
    "cancelled": RefundState.FAILED,
}


@dataclass(frozen=True, slots=True)
class _At:
    """Where a payment is at bKash."""

    session_id: str
    transaction: str


class Refunds:
    def __init__(self, client: BkashClient, notes: Notes, lock: SharedLock, clock: Clock) -> None:
        self._client = client
        self._notes = notes
        self._lock = lock
        self._clock = clock

    async def of(
        self, payment: Payment, session_id: str, transaction: str
    ) -> tuple[GatewayRefund, ...]:
        _, asked = await self._notes.asked(payment.id)
        return await self._listed(payment, _At(session_id, transaction), asked)

    async def refund(self, payment: Payment, refund: Refund, session_id: str) -> GatewayRefund:
        if payment.reference is None:
            raise GatewayRefused(NAME, "nothing was paid that it could return")
        at = _At(session_id, payment.reference)
        async with turn(self._lock, f"bkash:refund:{payment.id}", _WAIT_SECONDS):
            stored, asked = await self._notes.asked(payment.id)
            listed = await self._listed(payment, at, asked)
            found = _ours(listed, refund)
            if found is not None:
                await self._note(payment, refund, transaction=found.id)
                return found
            asked = await self._claim(payment, refund, stored, asked, listed)
            return await self._ask(payment, refund, at, asked)

    async def _claim(
        self,
        payment: Payment,
        refund: Refund,
        stored: bytes | None,
        asked: dict[str, Asked],
        listed: tuple[GatewayRefund, ...],
    ) -> dict[str, Asked]:
        """Write down that it is asked for now: of all processes, one can."""
        now = self._clock.now()
        if any(one.transaction is None and now < one.until for one in asked.values()):
            raise Unavailable("A refund of this payment may be under way.", 10)
        earlier = asked.get(refund.id)
        seen = earlier.seen if earlier is not None else [one.id for one in listed]
        claim = Asked(refund.amount_minor, seen, now + UNDER_WAY_MS)
        asked = {**asked, refund.id: claim}
        if not await self._notes.keep_asked(payment.id, stored, asked):
            raise Unavailable("Another process is asking for this refund.")
        return asked

    async def _ask(
        self, payment: Payment, refund: Refund, at: _At, asked: dict[str, Asked]
    ) -> GatewayRefund:
        body = {
            "paymentId": at.session_id,
            "trxId": at.transaction,
            "refundAmount": Money(refund.amount_minor, CURRENCY).decimal(),
            "sku": plain(payment.pack_id or "", "credits"),
            "reason": plain(refund.reason or "", "refund"),
        }
        try:
            answer = await self._client.call(REFUND, body)
        except NoAnswer as error:
            found = _ours(await self._listed(payment, at, asked), refund)
            if found is not None:
                await self._note(payment, refund, transaction=found.id)
                return found
            if not error.under_way:
                await self._note(payment, refund, until=0)
            raise Unavailable(error.reason) from error
        if answer.code is not None:
            return await self._not_done(payment, refund, at, asked, answer.code)
        transaction = answer.text("refundTrxId")
        if not transaction:
            raise Unavailable("bKash tells of a refund without its id.")
        await self._note(payment, refund, transaction=transaction)
        return _refund(answer.fields, refund.amount_minor, refund.id)

    async def _not_done(
        self, payment: Payment, refund: Refund, at: _At, asked: dict[str, Asked], code: str
    ) -> GatewayRefund:
        # Refused, perhaps because an earlier request was done unseen.
        found = _ours(await self._listed(payment, at, asked), refund)
        if found is not None:
            await self._note(payment, refund, transaction=found.id)
            return found
        if code in answers.TRY_AGAIN or code == answers.DUPLICATE:
            await self._note(payment, refund, until=0)
            raise Unavailable(f"bKash asks for patience (code {code}).")
        await self._note(payment, refund, drop=True)
        raise GatewayRefused(NAME, f"it refuses the refund (code {code})")

    async def _note(
        self,
        payment: Payment,
        refund: Refund,
        *,
        until: int = 0,
        transaction: str | None = None,
        drop: bool = False,
    ) -> None:
        """Who was faster has looked after us, and knows at least as much."""
        stored, asked = await self._notes.asked(payment.id)
        own = asked.pop(refund.id, None)
        if own is not None and not drop:
            asked[refund.id] = Asked(own.amount_minor, own.seen, until, transaction)
        await self._notes.keep_asked(payment.id, stored, asked)

    async def _listed(
        self, payment: Payment, at: _At, asked: dict[str, Asked]
    ) -> tuple[GatewayRefund, ...]:
        """All refunds of the payment, ours with our ids."""
        answer = await self._client.ask(
            REFUND_STATUS, {"paymentId": at.session_id, "trxId": at.transaction}
        )
        listed = [_refund(one) for one in _transactions(answer)]
        ours = _names(payment, listed, asked)
        return tuple(
            GatewayRefund(one.id, one.amount, one.state, ours.get(one.id), one.failure_code)
            for one in listed
        )


def _transactions(answer: Answer) -> list[dict[str, Any]]:
    """None where bKash refuses to list them: that is its word for a payment without any."""
    found = answer.fields.get("refundTransactions") if answer.code is None else None
    if not isinstance(found, list):
        return []
    return [one for one in found if isinstance(one, dict) and one.get("refundTrxId")]


def _refund(
    fields: dict[str, Any], amount_minor: int | None = None, refund_id: str | None = None
) -> GatewayRefund:
    word = str(fields.get("refundTransactionStatus", "")).strip().lower()
    state = _STATES.get(word, RefundState.PENDING)
    return GatewayRefund(
        str(fields["refundTrxId"]),
        amount(fields, "refundAmount") if amount_minor is None else Money(amount_minor, CURRENCY),
        state,
        refund_id,
        "bkash_refund_failed" if state is RefundState.FAILED else None,
    )


def _ours(listed: tuple[GatewayRefund, ...], refund: Refund) -> GatewayRefund | None:
    return next((one for one in listed if one.refund_id == refund.id), None)


def _names(
    payment: Payment, listed: list[GatewayRefund], asked: dict[str, Asked]
) -> dict[str, str]:
    """Our ids of refunds by bKash's.

    One that we asked for, and whose id at bKash we never heard, is the first of its amount that
    was not there before: equal parts look alike, and what was there before is not it.
    """
    known = {refund.gateway_id for refund in payment.refunds if refund.gateway_id is not None}
    ours = {
        refund.gateway_id: refund.id
        for refund in payment.refunds
        if refund.gateway_id is not None and refund.gateway_id != refund.id
    }
    ours.update({one.transaction: id_ for id_, one in asked.items() if one.transaction})
    for refund_id, one in asked.items():
        if refund_id in ours.values():
            continue
        for candidate in listed:
            taken = candidate.id in known or candidate.id in ours or candidate.id in one.seen
            if not taken and candidate.amount.amount_minor == one.amount_minor:
                ours[candidate.id] = refund_id
                break
    return ours
