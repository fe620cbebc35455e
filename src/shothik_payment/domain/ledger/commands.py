"""What can be asked of a user's ledger. A command carries everything that `apply` needs.

`id` is unique and comes from outside; ids of rows, holds, grants and events derive from it, so
that the same command replayed gives the same result. `at` is the clock's time when it was made.
Amounts are whole credits, already validated to be from 1 to the catalog's maximum.
"""

from __future__ import annotations

from dataclasses import dataclass

from shothik_payment.domain.errors import PaymentServiceError
from shothik_payment.domain.model.grant import GrantSource
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import Payment, PaymentStatus
from shothik_payment.domain.model.stop import StopCause
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.transaction import Metadata


@dataclass(slots=True)
class RequestBinding:
    """Binds a command to the client's request key.

    `key` is scoped by caller and operation (the user scopes it in the ledger), `client_key` is
    what the client sent, `fingerprint` a digest of path parameters and recognised body fields.
    """

    key: str
    client_key: str
    fingerprint: bytes


@dataclass(slots=True, kw_only=True)
class Command:
    id: str
    user_id: str
    at: Millis
    request: RequestBinding | None = None

    def transaction_ids(self) -> tuple[str, ...]:
        """Ledger rows that `apply` has to see."""
        return ()

    def hold_ids(self) -> tuple[str, ...]:
        return ()

    def payment_ids(self) -> tuple[str, ...]:
        return ()


@dataclass(slots=True, kw_only=True)
class Recall(Command):
    """Gives what was done under its request key; where nothing was, the outcome is `refusal`.

    For a request that cannot be made a command of its kind today, though perhaps it could before.
    """

    refusal: PaymentServiceError


@dataclass(slots=True, kw_only=True)
class Deduct(Command):
    amount: int
    service: str
    feature: str | None = None
    metadata: Metadata | None = None


@dataclass(slots=True, kw_only=True)
class Reverse(Command):
    """Gives back what a deduct or a capture of `service` took; `amount` None: all that is left."""

    transaction_id: str
    service: str
    amount: int | None = None
    reason: str | None = None

    def transaction_ids(self) -> tuple[str, ...]:
        return (self.transaction_id,)


@dataclass(slots=True, kw_only=True)
class PlaceHold(Command):
    amount: int
    service: str
    ttl_ms: int
    feature: str | None = None
    metadata: Metadata | None = None


@dataclass(slots=True, kw_only=True)
class CaptureHold(Command):
    """Charges `amount` of the hold (None: all of it) and releases the rest."""

    hold_id: str
    service: str
    amount: int | None = None

    def hold_ids(self) -> tuple[str, ...]:
        return (self.hold_id,)


@dataclass(slots=True, kw_only=True)
class ReleaseHold(Command):
    hold_id: str
    service: str

    def hold_ids(self) -> tuple[str, ...]:
        return (self.hold_id,)


@dataclass(slots=True, kw_only=True)
class GrantCredits(Command):
    """`expires_at`, where given, lies in the future. `priority`: the lower is spent first."""

    amount: int
    source: GrantSource
    expires_at: Millis | None = None
    priority: int = 0
    payment_id: str | None = None
    subscription_id: str | None = None
    reason: str | None = None


@dataclass(slots=True, kw_only=True)
class Adjust(Command):
    """An admin's correction: positive adds a grant, negative burns what is available."""

    amount: int
    reason: str
    expires_at: Millis | None = None


@dataclass(slots=True, kw_only=True)
class Expire(Command):
    """Books whatever has ended by its time; every other command does so first as well."""


@dataclass(slots=True, kw_only=True)
class Clawback(Command):
    """Takes up to `amount` from the unheld rest of a payment's own grant.

    What is missing becomes debt where `books_debt`; no other grant is touched.
    """

    amount: int
    payment_id: str
    books_debt: bool = True
    reason: str | None = None


@dataclass(slots=True, kw_only=True)
class OpenPayment(Command):
    """Records the intent to pay, before any gateway is asked."""

    payment: Payment


@dataclass(slots=True, kw_only=True)
class AttachCheckout(Command):
    """The gateway has made its checkout; a payment keeps the first one it was given."""

    payment_id: str
    session_id: str
    payment_url: str

    def payment_ids(self) -> tuple[str, ...]:
        return (self.payment_id,)


@dataclass(slots=True, kw_only=True)
class AbandonPayment(Command):
    """No checkout came about. Its request key is free again: a refusal binds nothing."""

    payment_id: str
    failure_code: str
    request_key: str | None = None

    def payment_ids(self) -> tuple[str, ...]:
        return (self.payment_id,)


@dataclass(slots=True, kw_only=True)
class SettlePayment(Command):
    """The gateway says that `paid` was paid: grants the credits, once."""

    payment_id: str
    paid: Money

    def payment_ids(self) -> tuple[str, ...]:
        return (self.payment_id,)


@dataclass(slots=True, kw_only=True)
class ClosePayment(Command):
    """The checkout ended unpaid. `status` is failed, cancelled or expired."""

    payment_id: str
    status: PaymentStatus
    failure_code: str | None = None

    def payment_ids(self) -> tuple[str, ...]:
        return (self.payment_id,)


@dataclass(slots=True, kw_only=True)
class PostponeCheck(Command):
    """The gateway knows nothing new: ask it again at `next_check_at`, None: never."""

    payment_id: str
    next_check_at: Millis | None

    def payment_ids(self) -> tuple[str, ...]:
        return (self.payment_id,)


@dataclass(slots=True, kw_only=True)
class Freeze(Command):
    """An admin stops the user: nothing more is spent, what is under way may end."""

    reason: str


@dataclass(slots=True, kw_only=True)
class Unfreeze(Command):
    reason: str


@dataclass(slots=True, kw_only=True)
class Retell(Command):
    """Tells the user's services anew who is stopped: those in `reasons`, by name with the reason
    that they heard last, and those that the user is stopped for."""

    reasons: dict[str, StopCause]
