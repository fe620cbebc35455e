"""What is wrong with a request, whoever asks and whatever the ledger says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Self

from shothik_payment.domain.errors.root import InWords, PaymentServiceError


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


@dataclass(frozen=True)
class RefusedUse:
    """A known key that was shown and refused, and why in one word."""

    key_id: str
    reason: str


class OfKey(InWords):
    """`use` is for the key's own log, where the key is known; the caller is not told of it."""

    use: RefusedUse | None = None

    def of(self, key_id: str, reason: str) -> Self:
        self.use = RefusedUse(key_id, reason)
        return self


class Unauthenticated(OfKey):
    code: ClassVar[str] = "unauthenticated"


class Forbidden(OfKey):
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
class IdempotencyKeyReused(PaymentServiceError):
    code: ClassVar[str] = "idempotency_key_reused"

    @property
    def message(self) -> str:
        return "This request key was used with another body."


@dataclass(eq=False)
class RateLimited(PaymentServiceError):
    code: ClassVar[str] = "rate_limited"
    limit: int
    window_seconds: int
    retry_after_seconds: int

    @property
    def message(self) -> str:
        return f"More than {self.limit} requests in {self.window_seconds} seconds."
