"""Everything the domain refuses or cannot do.

One root. A leaf holds the facts as fields and words itself; `code` is the stable name that clients
rely on. How an error travels (HTTP status, exit code) is the entrypoint's business.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar


class PaymentServiceError(Exception):
    """Root of all errors. `retryable` says whether the same call may succeed later, unchanged."""

    code: ClassVar[str] = "internal_error"
    retryable: ClassVar[bool] = False

    @property
    def message(self) -> str:
        return "The service could not complete the request."

    def details(self) -> dict[str, Any]:
        """The facts a client can act on, by field name (snake case)."""
        if not hasattr(self, "__dataclass_fields__"):
            return {}
        return {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]

    def __str__(self) -> str:
        return self.message


@dataclass(eq=False)
class InWords(PaymentServiceError):
    """What whoever raises it says in full."""

    reason: str

    @property
    def message(self) -> str:
        return self.reason


@dataclass(frozen=True)
class FieldProblem:
    """One wrong field: `path` such as `amount` or `metadata.tag`, and what was expected there."""

    path: str
    expected: str


@dataclass(eq=False)
class InvalidRequest(PaymentServiceError):
    code: ClassVar[str] = "invalid_request"
    fields: list[FieldProblem] = field(default_factory=list)

    @property
    def message(self) -> str:
        return "; ".join(f"{p.path}: expected {p.expected}" for p in self.fields) or "Bad request."

    @classmethod
    def of(cls, path: str, expected: str) -> InvalidRequest:
        return cls([FieldProblem(path, expected)])


@dataclass(eq=False)
class PayloadTooLarge(PaymentServiceError):
    code: ClassVar[str] = "payload_too_large"
    limit_bytes: int

    @property
    def message(self) -> str:
        return f"The body is larger than {self.limit_bytes} bytes."


class Unauthenticated(InWords):
    code: ClassVar[str] = "unauthenticated"


class Forbidden(InWords):
    code: ClassVar[str] = "forbidden"


@dataclass(eq=False)
class WrongService(PaymentServiceError):
    code: ClassVar[str] = "wrong_service"
    service: str

    @property
    def message(self) -> str:
        return f"This belongs to another service than {self.service}."


@dataclass(eq=False)
class MissingScope(PaymentServiceError):
    code: ClassVar[str] = "missing_scope"
    scope: str

    @property
    def message(self) -> str:
        return f"The API key lacks the scope {self.scope}."


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
class NotFound(PaymentServiceError):
    code: ClassVar[str] = "not_found"
    kind: str
    id: str

    @property
    def message(self) -> str:
        return f"There is no such {self.kind}."


class Conflict(InWords):
    code: ClassVar[str] = "conflict"


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


@dataclass(eq=False)
class IdempotencyKeyReused(PaymentServiceError):
    code: ClassVar[str] = "idempotency_key_reused"

    @property
    def message(self) -> str:
        return "This request key was used with another body."


@dataclass(eq=False)
class RateLimited(PaymentServiceError):
    code: ClassVar[str] = "rate_limited"
    retryable: ClassVar[bool] = True
    limit: int
    window_seconds: int
    retry_after_seconds: int

    @property
    def message(self) -> str:
        return f"More than {self.limit} requests in {self.window_seconds} seconds."


@dataclass(eq=False)
class Unavailable(PaymentServiceError):
    """A dependency is away or the service is full. Nothing is half done; try again."""

    code: ClassVar[str] = "unavailable"
    retryable: ClassVar[bool] = True
    reason: str
    retry_after_seconds: int = 1

    @property
    def message(self) -> str:
        return self.reason


class StoreCorrupt(InWords):
    """The data store cannot be read as what it should be. An operator has to look at it."""

    code: ClassVar[str] = "unavailable"


@dataclass(eq=False)
class Misconfigured(PaymentServiceError):
    """A setting or the catalog is wrong; `where` names the variable, or file, line and field."""

    code: ClassVar[str] = "misconfigured"
    where: str
    problem: str

    @property
    def message(self) -> str:
        return f"{self.where}: {self.problem}"


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
