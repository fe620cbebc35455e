"""What came of a command."""

from __future__ import annotations

from dataclasses import dataclass

from shothik_payment.domain.errors import PaymentServiceError
from shothik_payment.domain.model.hold import Hold
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.model.subscription import Subscription
from shothik_payment.domain.model.transaction import Transaction


@dataclass(slots=True)
class Outcome:
    """`joined_payment_id`: of another request, whose payment is what this one wants, too, and comes
    to nothing with it. `refusal` is set where the command was not done. `replayed`: its request
    key was bound already, and this is what was done then; to the subscription with the id
    `done_to`, of which `subscription`, the user's last one, may be a successor."""

    transaction: Transaction | None = None
    hold: Hold | None = None
    payment: Payment | None = None
    subscription: Subscription | None = None
    joined_payment_id: str | None = None
    replayed: bool = False
    done_to: str | None = None
    refusal: PaymentServiceError | None = None

    @property
    def subscription_id(self) -> str | None:
        """Of the one that the request was about."""
        last = None if self.subscription is None else self.subscription.id
        return self.done_to or last

    @property
    def payment_sought(self) -> str | None:
        """Of a request about a subscription: its own payment, or the one that it has joined."""
        return self.payment.id if self.payment is not None else self.joined_payment_id
