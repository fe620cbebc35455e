"""A payment gateway: it moves the money, and its word about money is the truth."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import Payment


@dataclass(frozen=True, slots=True)
class Checkout:
    """`session_id` is the gateway's own id of the checkout, `url` where the browser goes."""

    session_id: str
    url: str


class GatewayState(StrEnum):
    OPEN = "open"
    PAID = "paid"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class GatewayReport:
    """What a gateway says of one checkout. `paid` is set where `state` is PAID."""

    payment_id: str
    session_id: str
    state: GatewayState
    paid: Money | None = None
    failure_code: str | None = None


class PaymentGateway(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def currencies(self) -> tuple[str, ...]: ...

    async def start_checkout(self, payment: Payment) -> Checkout:
        """Open a checkout for the payment. Called again for the same payment it gives the same
        session. Raises GatewayRefused (final) or Unavailable (try again)."""
        ...

    async def look_up(self, payment: Payment) -> GatewayReport:
        """The truth about the payment's checkout. Raises Unavailable."""
        ...

    def read_notification(self, body: bytes, headers: dict[str, str]) -> GatewayReport:
        """Verify a webhook's raw body and read it. Raises Unauthenticated for a bad signature,
        InvalidRequest for what cannot be read. Header names are lowercase."""
        ...
