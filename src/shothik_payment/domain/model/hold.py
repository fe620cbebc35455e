"""A hold: credits reserved for a job whose cost is not known yet."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shothik_payment.domain.model.time import HOUR, MINUTE, Millis

DEFAULT_HOLD_TTL_SECONDS = 15 * MINUTE // 1000
MAX_HOLD_TTL_SECONDS = 24 * HOUR // 1000

REFUNDS = "refund"
"""Stands for the service of a hold on credits that a refund is about to take back."""
NEVER = Millis(253_370_764_800_000)
"""The end of a hold that only its owner ends: the year 9999."""


class HoldStatus(StrEnum):
    ACTIVE = "active"
    CAPTURED = "captured"
    RELEASED = "released"
    EXPIRED = "expired"


@dataclass(slots=True)
class Hold:
    """`parts` says what each grant gave, in the order taken: (grant id, credits)."""

    id: str
    user_id: str
    service: str
    amount: int
    captured: int
    status: HoldStatus
    created_at: Millis
    expires_at: Millis
    feature: str | None
    parts: list[tuple[str, int]]
