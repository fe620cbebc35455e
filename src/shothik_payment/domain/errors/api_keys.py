"""What API keys refuse. Times are ms since the epoch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from shothik_payment.domain.errors.root import PaymentServiceError


@dataclass(eq=False)
class ApiKeyRevoked(PaymentServiceError):
    code: ClassVar[str] = "api_key_revoked"
    key_id: str
    revoked_at: int

    @property
    def message(self) -> str:
        return "The API key is revoked, for good."


@dataclass(eq=False)
class ApiKeyExpired(PaymentServiceError):
    code: ClassVar[str] = "api_key_expired"
    key_id: str
    expires_at: int

    @property
    def message(self) -> str:
        return "The API key has expired, for good; make another one."


@dataclass(eq=False)
class ApiKeyRotated(PaymentServiceError):
    """Another key has taken its place: its end can be moved earlier, and its name changed."""

    code: ClassVar[str] = "api_key_rotated"
    key_id: str
    replaced_by: str

    @property
    def message(self) -> str:
        return f"The API key was rotated; {self.replaced_by} has taken its place."
