"""A sliding-window limit on requests."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol


@dataclass(slots=True)
class RateDecision:
    """`reset_seconds`: until a refused caller may try again; `remaining` requests in the window.
    `counted` is false where nobody could count, and the request is allowed for that."""

    allowed: bool
    limit: int
    remaining: int
    window_seconds: int
    reset_seconds: int
    counted: bool = True


class RateLimiter(Protocol):
    def hit(self, subject: str, limit: int, window_seconds: int) -> Awaitable[RateDecision]:
        """Count one request of `subject`, unless that exceeds `limit` in any `window_seconds`:
        a refused request is not counted.

        Begins at the call, so that what is begun together shares a round trip. Raises Unavailable
        where nobody can count and the limiter is told to let nothing through then."""
        ...

    def remaining(self, subject: str, limit: int, window_seconds: int) -> Awaitable[int | None]:
        """How many requests `subject` may still make now; nothing is counted. None where nobody
        can tell."""
        ...
