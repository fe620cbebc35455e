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
class GatewayRefused(PaymentServiceError):
    """The payment gateway answered, and said no for good."""

    code: ClassVar[str] = "gateway_refused"
    gateway: str
    reason: str

    @property
    def message(self) -> str:
        return f"{self.gateway} refused: {self.reason}"
