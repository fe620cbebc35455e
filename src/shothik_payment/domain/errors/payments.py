"""What payments and their gateways refuse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from shothik_payment.domain.errors.root import PaymentServiceError


@dataclass(eq=False)
class PaymentNotOpen(PaymentServiceError):
    code: ClassVar[str] = "payment_not_open"
    payment_id: str
    status: str

    @property
    def message(self) -> str:
        return f"The payment is {self.status}."


@dataclass(eq=False)
class PaymentNotRefundable(PaymentServiceError):
    """Nothing was paid, all of it was returned, or a dispute decides about it."""

    code: ClassVar[str] = "payment_not_refundable"
    payment_id: str
    status: str

    @property
    def message(self) -> str:
        return f"A payment that is {self.status} cannot be refunded."


@dataclass(eq=False)
class RefundInProgress(PaymentServiceError):
    code: ClassVar[str] = "refund_in_progress"
    payment_id: str
    refund_id: str

    @property
    def message(self) -> str:
        return "Another refund of the payment is under way; a payment has one at a time."


@dataclass(eq=False)
class RefundExceedsPayment(PaymentServiceError):
    """Amounts are in the minor units of `currency`."""

    code: ClassVar[str] = "refund_exceeds_payment"
    requested: int
    refundable: int
    currency: str

    @property
    def message(self) -> str:
        return (
            f"Refunding {self.requested} exceeds the {self.refundable} that are left of the "
            f"payment (minor units of {self.currency})."
        )


@dataclass(eq=False)
class PartialRefundUnsupported(PaymentServiceError):
    code: ClassVar[str] = "partial_refund_unsupported"
    gateway: str

    @property
    def message(self) -> str:
        return f"{self.gateway} returns the whole payment or nothing."


@dataclass(eq=False)
class GatewayRefused(PaymentServiceError):
    """The payment gateway answered, and said no for good."""

    code: ClassVar[str] = "gateway_refused"
    gateway: str
    reason: str

    @property
    def message(self) -> str:
        return f"{self.gateway} refused: {self.reason}"
