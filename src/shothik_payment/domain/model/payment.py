"""A payment: one attempt to pay money through one gateway, and what became of that money."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.time import Millis


class PaymentStatus(StrEnum):
    CREATED = "created"
    PENDING = "pending"
    AUTHORISED = "authorised"
    PAID = "paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    DISPUTED = "disputed"
    WON = "won"
    LOST = "lost"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REVIEW = "review"


OPEN_STATUSES = frozenset({PaymentStatus.CREATED, PaymentStatus.PENDING, PaymentStatus.AUTHORISED})
SETTLEABLE_STATUSES = OPEN_STATUSES | {
    PaymentStatus.FAILED,
    PaymentStatus.CANCELLED,
    PaymentStatus.EXPIRED,
}
"""Paid after all still settles: what the gateway holds is the truth about money."""
ENDED_UNPAID_STATUSES = SETTLEABLE_STATUSES - OPEN_STATUSES
REFUNDABLE_STATUSES = frozenset(
    {
        PaymentStatus.PAID,
        PaymentStatus.PARTIALLY_REFUNDED,
        PaymentStatus.WON,
        PaymentStatus.REVIEW,
    }
)


_PLACE_OF_ID = "{paymentId}"


def return_url(url: str | None, payment_id: str) -> str | None:
    """Where a payer comes back to, with the payment's id in the place that was left for it: who
    asks for a payment does not know its id yet."""
    return None if url is None else url.replace(_PLACE_OF_ID, payment_id)


class RefundState(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(slots=True)
class Refund:
    """`id` is ours, or the gateway's own where the refund began there; `gateway_id` is the
    gateway's, None until it is known. `hold_id`: the hold on the credits in question while it is
    pending. `clawed`: credits taken back for it, those booked as debt included. `request_id`: the
    key of the request that began it."""

    id: str
    amount_minor: int
    state: RefundState
    created_at: Millis
    gateway_id: str | None = None
    reason: str | None = None
    hold_id: str | None = None
    clawed: int = 0
    failure_code: str | None = None
    request_id: str | None = None


class DisputeState(StrEnum):
    OPEN = "open"
    WON = "won"
    LOST = "lost"


@dataclass(slots=True)
class Dispute:
    """`id` is the gateway's. `clawed`: credits taken back for it by now, those booked as debt
    included."""

    id: str
    amount_minor: int
    state: DisputeState
    opened_at: Millis
    clawed: int = 0


@dataclass(slots=True)
class Payment:
    """`session_id` and `payment_url` are the gateway's own, set once its checkout exists, and
    `reference` is its id of the money, set once it is paid.

    `paid` is what the gateway says was paid, `grant_id` what was granted for it: both None until
    then. `refunded_minor`: returned so far. `review_reason` None: nothing contradicts;
    `review_note` is what an admin said who ended a review. `surplus_reference`: of more money that
    the review is about, beside that of `reference`.
    `next_check_at`: when the gateway is to be asked for the truth, None once it is final.
    `saves_method`: the payer agrees that later payments may be charged without them.
    `off_session`: it is to be charged to the saved method. `subscription_id` and `plan`: of the
    subscription that it is for.
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
    review_note: str | None = None
    surplus_reference: str | None = None
    next_check_at: Millis | None = None
    checks: int = 0
    reference: str | None = None
    paid: Money | None = None
    grant_id: str | None = None
    credits_expire_at: Millis | None = None
    refunded_minor: int = 0
    refunds: list[Refund] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)
    saves_method: bool = False
    off_session: bool = False
    subscription_id: str | None = None
    plan: str | None = None

    @property
    def undecided(self) -> bool:
        """Neither has it ended, nor has the payer a link."""
        return self.status in OPEN_STATUSES and self.payment_url is None

    @property
    def came_to_nothing(self) -> bool:
        """It has ended unpaid, and the payer was given no link. Not where it has expired without a
        word on its charge, which may have been made."""
        unknown = self.off_session and self.status is PaymentStatus.EXPIRED
        ended = self.status in ENDED_UNPAID_STATUSES and not unknown
        return ended and self.payment_url is None

    @property
    def refundable_minor(self) -> int:
        """What is left of the money that was paid."""
        return 0 if self.paid is None else self.paid.amount_minor - self.refunded_minor

    @property
    def pending_refunds(self) -> list[Refund]:
        return [refund for refund in self.refunds if refund.state is RefundState.PENDING]

    @property
    def disputed(self) -> bool:
        return any(dispute.state is DisputeState.OPEN for dispute in self.disputes)
