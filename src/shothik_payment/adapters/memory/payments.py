from __future__ import annotations

from collections import defaultdict

from shothik_payment.adapters import codec
from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.domain.model.payment import Payment, PaymentStatus
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.payments import PaymentFilter, PaymentSum


class MemoryPayments:
    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def get(self, payment_id: str) -> Payment | None:
        return self._state.payment(payment_id)

    async def by_session(self, gateway: str, session_id: str) -> Payment | None:
        for payment in self._all():
            if (payment.gateway, payment.session_id) == (gateway, session_id):
                return payment
        return None

    async def of_user(self, user_id: str, before: str | None, limit: int) -> list[Payment]:
        own = [p for p in self._all() if p.user_id == user_id and (before is None or p.id < before)]
        return sorted(own, key=lambda payment: payment.id, reverse=True)[:limit]

    async def to_check(
        self, at: Millis, limit: int, after: Payment | None = None, gateway: str | None = None
    ) -> list[Payment]:
        due = [
            (payment.next_check_at, payment.id, payment)
            for payment in self._all()
            if payment.next_check_at is not None and payment.next_check_at <= at
            if gateway in (None, payment.gateway)
        ]
        if after is not None:
            due = [entry for entry in due if entry[:2] > (after.next_check_at, after.id)]
        return [payment for _, _, payment in sorted(due, key=lambda entry: entry[:2])[:limit]]

    async def next_check(self, after: Millis) -> Millis | None:
        times = (payment.next_check_at for payment in self._all())
        return min((at for at in times if at is not None and at > after), default=None)

    async def under_review(self, before: str | None, limit: int) -> list[Payment]:
        found = [payment for payment in self._all() if payment.review_reason is not None]
        return self._page(found, before, limit)

    async def search(self, which: PaymentFilter, before: str | None, limit: int) -> list[Payment]:
        found = [payment for payment in self._all() if _fits(payment, which)]
        return self._page(found, before, limit)

    async def counts(
        self, since: Millis, until: Millis
    ) -> dict[tuple[PaymentStatus, str], PaymentSum]:
        prices: defaultdict[tuple[PaymentStatus, str], list[int]] = defaultdict(list)
        for payment in self._all():
            if since <= payment.created_at < until:
                price = payment.price
                prices[payment.status, price.currency].append(price.amount_minor)
        return {which: PaymentSum(len(found), sum(found)) for which, found in prices.items()}

    def _page(self, found: list[Payment], before: str | None, limit: int) -> list[Payment]:
        """Those that come behind `before`, newest first."""
        if before is not None:
            last = self._state.payment(before)
            found = [p for p in found if last is not None and _age(p) < _age(last)]
        return sorted(found, key=_age, reverse=True)[:limit]

    def _all(self) -> list[Payment]:
        return [codec.decode_payment(stored) for stored in self._state.payments.values()]


def _age(payment: Payment) -> tuple[Millis, str]:
    return payment.created_at, payment.id


def _fits(payment: Payment, which: PaymentFilter) -> bool:
    return (
        which.status in (None, payment.status)
        and which.gateway in (None, payment.gateway)
        and which.user_id in (None, payment.user_id)
        and (which.since is None or payment.created_at >= which.since)
        and (which.until is None or payment.created_at < which.until)
    )
