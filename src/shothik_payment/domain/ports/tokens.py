"""Users' and admins' tokens (JWT)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from shothik_payment.domain.model.time import Millis


@dataclass(frozen=True, slots=True)
class TokenClaims:
    user_id: str
    role: str | None
    expires_at: Millis


class TokenVerifier(Protocol):
    async def verify(self, token: str) -> TokenClaims:
        """Raises Unauthenticated, with what is wrong in words that leak nothing."""
        ...


class TokenIssuer(Protocol):
    def issue(self, user_id: str, role: str | None, ttl_seconds: int) -> str:
        """A signed token. Raises Misconfigured where only a verifying key is known."""
        ...
