"""A payment: one attempt to pay money through one gateway."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.time import Millis


class PaymentStatus(StrEnum):
    CREATED = "created"
    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REVIEW = "review"


OPEN_STATUSES = frozenset({PaymentStatus.CREATED, PaymentStatus.PENDING})
SETTLEABLE_STATUSES = OPEN_STATUSES | {
    PaymentStatus.FAILED,
    PaymentStatus.CANCELLED,
    PaymentStatus.EXPIRED,
}
"""Paid after all still settles: what the gateway holds is the truth about money."""


@dataclass(slots=True)
class Payment:
    """`session_id` and `payment_url` are the gateway's own, set once its checkout exists.

    `next_check_at`: when the gateway is to be asked for the truth, None once it is final.
    """

    id: str
    user_id: str
    gateway: str
    status: PaymentStatus
    price: Money
    credits: int
    created_at: Millis
    updated_at: Millis
    pack_id: str | None = None
    session_id: str | None = None
    payment_url: str | None = None
    success_url: str | None = None
    cancel_url: str | None = None
    failure_code: str | None = None
    review_reason: str | None = None
    next_check_at: Millis | None = None
    checks: int = 0
