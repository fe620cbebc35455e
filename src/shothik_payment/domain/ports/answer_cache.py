"""Finished answers by request key: a fast path that may be lost at any time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

ANSWER_TTL_SECONDS = 600


@dataclass(slots=True)
class FinishedAnswer:
    fingerprint: bytes
    body: bytes


class AnswerCache(Protocol):
    async def get(self, key: str) -> FinishedAnswer | None:
        """None where it is absent, expired, or the cache is away: never raises for that."""
        ...

    def put(self, key: str, answer: FinishedAnswer) -> None:
        """Keep it for `ANSWER_TTL_SECONDS`. Returns at once; may be dropped."""
        ...
