"""What the rules of money refuse."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from shothik_payment.domain.errors.root import PaymentServiceError


@dataclass(eq=False)
class UserFrozen(PaymentServiceError):
    code: ClassVar[str] = "user_frozen"
    user_id: str

    @property
    def message(self) -> str:
        return "The user is frozen."


@dataclass(frozen=True)
class BlockingHold:
    """An open hold that keeps credits from being spent; `expires_at` in ms since the epoch."""

    id: str
    service: str
    amount: int
    expires_at: int


@dataclass(eq=False)
class InsufficientCredits(PaymentServiceError):
    """`holds` lists the open holds that end first, ten at the most."""

    code: ClassVar[str] = "insufficient_credits"
    available: int
    held: int
    required: int
    holds: list[BlockingHold] = field(default_factory=list)
    next_hold_ends_at: int | None = None

    @property
    def message(self) -> str:
        return f"{self.required} credits are required, {self.available} are available."


@dataclass(eq=False)
class AlreadyReversed(PaymentServiceError):
    code: ClassVar[str] = "already_reversed"
    transaction_id: str
    amount: int

    @property
    def message(self) -> str:
        return f"All {self.amount} credits of this transaction were given back already."


@dataclass(eq=False)
class NotReversible(PaymentServiceError):
    code: ClassVar[str] = "not_reversible"
    transaction_id: str
    kind: str

    @property
    def message(self) -> str:
        return f"A transaction of kind {self.kind} cannot be reversed."


@dataclass(eq=False)
class ReversalExceedsTransaction(PaymentServiceError):
    code: ClassVar[str] = "reversal_exceeds_transaction"
    requested: int
    reversible: int

    @property
    def message(self) -> str:
        return f"{self.reversible} credits can still be reversed, {self.requested} were asked for."


@dataclass(eq=False)
class HoldClosed(PaymentServiceError):
    code: ClassVar[str] = "hold_closed"
    hold_id: str
    status: str

    @property
    def message(self) -> str:
        return f"The hold was {self.status} already."


@dataclass(eq=False)
class HoldExpired(PaymentServiceError):
    code: ClassVar[str] = "hold_expired"
    hold_id: str
    expires_at: int

    @property
    def message(self) -> str:
        return "The hold has expired; its credits were given back."


@dataclass(eq=False)
class CaptureExceedsHold(PaymentServiceError):
    code: ClassVar[str] = "capture_exceeds_hold"
    requested: int
    held: int

    @property
    def message(self) -> str:
        return f"The hold is for {self.held} credits, {self.requested} were to be captured."


@dataclass(eq=False)
class LimitReached(PaymentServiceError):
    """A wallet holds as many open `what` (holds, grants) as it may."""

    code: ClassVar[str] = "limit_reached"
    what: str
    limit: int

    @property
    def message(self) -> str:
        return f"The wallet has {self.limit} open {self.what} already."
