"""Reading payments; they are written through the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from shothik_payment.domain.model.payment import Payment, PaymentStatus
from shothik_payment.domain.model.time import Millis


@dataclass(frozen=True, slots=True)
class PaymentFilter:
    """None: any. `since` and `until` are about `created_at`: from `since` on and before `until`."""

    status: PaymentStatus | None = None
    gateway: str | None = None
    user_id: str | None = None
    since: Millis | None = None
    until: Millis | None = None


class PaymentSum(NamedTuple):
    """How many payments, and the sum of their prices in the currency's minor unit."""

    payments: int
    amount_minor: int


class Payments(Protocol):
    async def get(self, payment_id: str) -> Payment | None: ...

    async def by_session(self, gateway: str, session_id: str) -> Payment | None:
        """The payment whose checkout the gateway calls `session_id`."""
        ...

    async def of_user(self, user_id: str, before: str | None, limit: int) -> list[Payment]:
        """Newest first; `before` is the id of the last payment already seen."""
        ...

    async def to_check(
        self, at: Millis, limit: int, after: Payment | None = None, gateway: str | None = None
    ) -> list[Payment]:
        """Payments whose `next_check_at` has come by `at`, longest overdue first, and by id where
        that is the same; `after` is the last one already seen, as it was then. `gateway` None: of
        any."""
        ...

    async def next_check(self, after: Millis) -> Millis | None:
        """The first `next_check_at` later than `after`; None: there is none."""
        ...

    async def under_review(self, before: str | None, limit: int) -> list[Payment]:
        """Those with a `review_reason`: by `created_at`, newest first, and by id, highest first,
        where that is the same; neither ever changes. `before` is the id of the last payment
        already seen, under review or not any more; none follow an id that no payment has."""
        ...

    async def search(self, which: PaymentFilter, before: str | None, limit: int) -> list[Payment]:
        """By `created_at`, newest first, and by id, highest first, where that is the same.
        `before` is the id of the last payment already seen; none follow an id that no payment
        has."""
        ...

    async def counts(
        self, since: Millis, until: Millis
    ) -> dict[tuple[PaymentStatus, str], PaymentSum]:
        """By status as it is now and currency, those that were created from `since` on and before
        `until`. Takes as long as there are payments in between."""
        ...
