"""Finished answers by request key: a fast path that may be lost at any time."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

ANSWER_TTL_SECONDS = 600


@dataclass(slots=True)
class FinishedAnswer:
    fingerprint: bytes
    body: bytes


class AnswerCache(Protocol):
    def get(self, key: str) -> Awaitable[FinishedAnswer | None]:
        """Begins at the call, so that what is begun together shares a round trip.

        None where it is absent, expired, or the cache is away: never raises for that."""
        ...

    def put(self, key: str, answer: FinishedAnswer) -> None:
        """Keep it for `ANSWER_TTL_SECONDS`. Returns at once; may be dropped. A `get` of the same
        process finds it from now on, one of another process a little later."""
        ...
