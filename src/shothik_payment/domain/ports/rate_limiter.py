"""A sliding-window limit on requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(slots=True)
class RateDecision:
    """`reset_seconds`: until a refused caller may try again; `remaining` requests in the window."""

    allowed: bool
    limit: int
    remaining: int
    window_seconds: int
    reset_seconds: int


class RateLimiter(Protocol):
    async def hit(self, subject: str, limit: int, window_seconds: int) -> RateDecision:
        """Count one request of `subject`, unless that exceeds `limit` in any `window_seconds`:
        a refused request is not counted."""
        ...
