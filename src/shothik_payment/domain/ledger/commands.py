"""What can be asked of a user's ledger. A command carries everything that `apply` needs.

`id` is unique and comes from outside; ids of rows, holds, grants and events derive from it, so
that the same command replayed gives the same result. `at` is the clock's time when it was made.
Amounts are whole credits, already validated to be from 1 to the catalog's maximum.
"""

from __future__ import annotations

from dataclasses import dataclass

from shothik_payment.domain.errors import PaymentServiceError
from shothik_payment.domain.model.grant import GrantSource
from shothik_payment.domain.model.stop import StopCause
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.transaction import Metadata

_SECOND = "\nsecond"
"""No client's key has a line break."""


@dataclass(slots=True)
class RequestBinding:
    """Binds a command to the client's request key.

    `key` is scoped by caller and operation (the user scopes it in the ledger), `client_key` is
    what the client sent, `fingerprint` a digest of path parameters and recognised body fields.
    """

    key: str
    client_key: str
    fingerprint: bytes

    @property
    def second_step(self) -> RequestBinding:
        """For what it does after its first command, so that a repeat does that once, too."""
        return RequestBinding(self.key + _SECOND, self.client_key, self.fingerprint)

    def of_both_steps(self) -> tuple[str, str]:
        """The keys of the request that this is a step of."""
        first = self.key.removesuffix(_SECOND)
        return first, first + _SECOND


@dataclass(slots=True, kw_only=True)
class Command:
    id: str
    user_id: str
    at: Millis
    request: RequestBinding | None = None

    def request_keys(self) -> tuple[str, ...]:
        """Keys of which `apply` has to see what they are bound to: the request's, step by step."""
        return () if self.request is None else (self.request.key,)

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

    def request_keys(self) -> tuple[str, ...]:
        return () if self.request is None else self.request.of_both_steps()


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
