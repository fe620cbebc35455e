"""What can be asked of a user's payments, and what gateways say of them; see `commands` for what
holds for all of them."""

from __future__ import annotations

from dataclasses import dataclass

from shothik_payment.domain.ledger.commands import Command
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import Payment, PaymentStatus
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.gateway import GatewayDispute, GatewayRefund


@dataclass(slots=True, kw_only=True)
class OpenPayment(Command):
    """Records the intent to pay, before any gateway is asked."""

    payment: Payment


@dataclass(slots=True, kw_only=True)
class OfPayment(Command):
    payment_id: str

    def payment_ids(self) -> tuple[str, ...]:
        return (self.payment_id,)


@dataclass(slots=True, kw_only=True)
class AttachCheckout(OfPayment):
    """The gateway has made its checkout; a payment keeps the first one it was given."""

    session_id: str
    payment_url: str | None


@dataclass(slots=True, kw_only=True)
class AbandonPayment(OfPayment):
    """No checkout came about."""

    failure_code: str


@dataclass(slots=True, kw_only=True)
class AuthorisePayment(OfPayment):
    """The payer has agreed, and the money is on its way."""


@dataclass(slots=True, kw_only=True)
class SettlePayment(OfPayment):
    """The gateway says that `paid` was paid: grants the credits, once.

    `reference` is its id of the money, `session_id` the checkout that it was paid in and
    `meant_for` the payment that it says it is for, where that is known: what contradicts goes to
    review. A payment that has no session yet, as one that was charged, has that one from now on.
    """

    paid: Money
    reference: str | None = None
    session_id: str | None = None
    meant_for: str | None = None


@dataclass(slots=True, kw_only=True)
class AcceptPayment(OfPayment):
    """An admin has looked at a payment under review: what was asked for is granted after all, or
    nothing has to be done any more."""

    reason: str


@dataclass(slots=True, kw_only=True)
class ClosePayment(OfPayment):
    """The checkout ended unpaid. `status` is failed, cancelled or expired. `session_id`: of a
    payment that has none yet."""

    status: PaymentStatus
    failure_code: str | None = None
    session_id: str | None = None


@dataclass(slots=True, kw_only=True)
class PostponeCheck(OfPayment):
    """The gateway is to be asked, or asked again, at `next_check_at`. Refused where somebody else
    has moved it meanwhile from `seen`: who is not refused is the one to ask. `given_back`: they
    were, and have not asked; so it does not count."""

    seen: Millis
    next_check_at: Millis
    given_back: bool = False


@dataclass(slots=True, kw_only=True)
class BeginRefund(OfPayment):
    """Reserves the unspent credits in question, before the gateway is asked. `amount_minor` None:
    all that is left of the money. `next_check_at`: when to ask the gateway again, should nobody
    hear how it ended."""

    refund_id: str
    amount_minor: int | None
    next_check_at: Millis
    reason: str | None = None


@dataclass(slots=True, kw_only=True)
class FailRefund(OfPayment):
    """The gateway has refused it for good. Its request key is free again."""

    refund_id: str
    failure_code: str
    request_key: str | None = None


@dataclass(slots=True, kw_only=True)
class RecordRefund(OfPayment):
    """What the gateway says of a refund, wherever it began; told twice it changes nothing."""

    refund: GatewayRefund


@dataclass(slots=True, kw_only=True)
class RecordDispute(OfPayment):
    """What the gateway says of a dispute; told twice it changes nothing."""

    dispute: GatewayDispute
