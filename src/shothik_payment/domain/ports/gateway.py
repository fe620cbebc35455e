"""A payment gateway: it moves the money, and its word about money is the truth."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import DisputeState, Payment, Refund, RefundState


@dataclass(frozen=True, slots=True)
class Capabilities:
    """`currencies` that can be paid in. `recurring`: a payer's method can be saved and charged
    later. `cancel`: an open checkout can be ended, so that it cannot be paid any more."""

    currencies: tuple[str, ...]
    recurring: bool = False
    partial_refunds: bool = False
    cancel: bool = False


@dataclass(frozen=True, slots=True)
class Checkout:
    """`session_id` is the gateway's own id of the checkout, `url` where the browser goes."""

    session_id: str
    url: str


class GatewayState(StrEnum):
    """`AUTHORISED`: the payer has agreed, and the money is on its way."""

    OPEN = "open"
    AUTHORISED = "authorised"
    PAID = "paid"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class GatewayRefund:
    """`id` is the gateway's; `refund_id` ours, None where it began at the gateway."""

    id: str
    amount: Money
    state: RefundState
    refund_id: str | None = None
    failure_code: str | None = None


@dataclass(frozen=True, slots=True)
class GatewayDispute:
    id: str
    amount: Money
    state: DisputeState


@dataclass(frozen=True, slots=True)
class GatewayReport:
    """What a gateway says of one checkout, and of the money paid in it.

    `payment_id` is the payment that the gateway says it is for, `session_id` None where it refused
    to make a checkout at all. `paid` and `reference` (the
    gateway's id of the money) are set where `state` is PAID, which it stays whatever is returned
    later. `continue_url`: the payer has to go on there.
    """

    payment_id: str
    session_id: str | None
    state: GatewayState
    paid: Money | None = None
    failure_code: str | None = None
    reference: str | None = None
    refunds: tuple[GatewayRefund, ...] = ()
    disputes: tuple[GatewayDispute, ...] = ()
    continue_url: str | None = None

    @property
    def final(self) -> bool:
        """Whether it says that it was paid, with the money, or that it will not be."""
        if self.state is GatewayState.PAID:
            return self.paid is not None
        return self.state not in (GatewayState.OPEN, GatewayState.AUTHORISED)


@dataclass(frozen=True, slots=True)
class Notification:
    """A verified webhook, reduced to what is needed to ask for the truth: nothing secret is in it.

    `event_id` is the gateway's and the same in each copy. One of the others at least is set:
    `payment_id` is ours, `session_id` the checkout's, `reference` of the money.
    """

    event_id: str
    kind: str
    payment_id: str | None = None
    session_id: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class SavedMethod:
    """A means of payment on file at the gateway. `label` may be shown: "visa ···· 4242"."""

    label: str


class PaymentGateway(Protocol):
    """Every call raises Unavailable where the gateway does not answer, cannot be understood or
    asks for patience: what was asked may have been done, and the same call may be made again."""

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    async def start_checkout(self, payment: Payment) -> Checkout:
        """Open a checkout for the payment. Called again for the same payment it gives the same
        session where the gateway can; else another, and the first was never told to anybody.
        Raises GatewayRefused where the gateway will never take it."""
        ...

    async def look_up(self, payment: Payment) -> GatewayReport:
        """The truth about the payment's checkout, `payment.session_id`. Changes nothing."""
        ...

    async def complete(self, payment: Payment) -> GatewayReport:
        """Take what the payer has approved, where the gateway leaves that to us, and give the
        truth. Money is taken once, however often and by however many processes this is called."""
        ...

    async def refund(self, payment: Payment, refund: Refund) -> GatewayRefund:
        """Return `refund.amount_minor` of the payment, once for this `refund.id`, however often
        this is called. `payment.refunds` has all that is known of earlier ones. Raises
        GatewayRefused where the gateway says no for good."""
        ...

    async def cancel(self, payment: Payment) -> GatewayReport:
        """End the open checkout, where `capabilities.cancel`; what it is now."""
        ...

    async def charge(self, payment: Payment) -> GatewayReport:
        """Charge the user's saved method for the payment, without the payer, once for this
        payment; the report's session, where it has one, is the payment's from now on. FAILED where
        the method is declined or the payer is needed. Raises GatewayRefused where there is no
        method on file or `capabilities.recurring` is not."""
        ...

    async def saved_method(self, user_id: str) -> SavedMethod | None: ...

    async def forget_method(self, user_id: str) -> None:
        """Nothing is charged to it from now on. None on file is no error."""
        ...

    async def read_notification(self, body: bytes, headers: dict[str, str]) -> Notification | None:
        """Verify a webhook's raw body and read it; None for what is genuine and of no interest.
        Raises Unauthenticated for what the gateway has not signed, before anything is done or
        fetched for it, InvalidRequest for what cannot be read. Header names are lowercase."""
        ...

    async def close(self) -> None:
        """Let go of its connections."""
        ...

    async def find_payment(self, notification: Notification) -> str | None:
        """Our id of the payment that a notification without one is about; None: not one of ours."""
        ...
