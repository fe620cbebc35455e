"""A grant: a lot of credits with a source, what is left of it, and an optional end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shothik_payment.domain.model.time import Millis


class GrantSource(StrEnum):
    PURCHASE = "purchase"
    SUBSCRIPTION = "subscription"
    PROMOTION = "promotion"
    ADJUSTMENT = "adjustment"
    REVERSAL = "reversal"


@dataclass(slots=True)
class Grant:
    """`amount` credits came in; `available` of them can be spent, `held` are under holds.

    `priority`: the lower number is spent first. `expires_at` None: never.
    """

    id: str
    user_id: str
    source: GrantSource
    amount: int
    available: int
    held: int
    priority: int
    created_at: Millis
    expires_at: Millis | None = None
    payment_id: str | None = None
    subscription_id: str | None = None

    def expired(self, at: Millis) -> bool:
        return self.expires_at is not None and self.expires_at <= at


def burn_key(grant: Grant) -> tuple[int, bool, int, int, str]:
    """The order in which grants are spent: priority, soonest end (none last), oldest, id."""
    return (
        grant.priority,
        grant.expires_at is None,
        grant.expires_at or 0,
        grant.created_at,
        grant.id,
    )
