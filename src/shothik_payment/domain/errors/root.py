"""What all errors have in common."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar


class PaymentServiceError(Exception):
    """Root of all errors."""

    code: ClassVar[str] = "internal_error"

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


def loggable(error: Exception) -> str:
    """What may be logged or kept of it: only our own errors are known to hold nothing secret."""
    return str(error) if isinstance(error, PaymentServiceError) else type(error).__name__
