"""Points in time are whole milliseconds since 1970-01-01T00:00:00Z; durations say their unit."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import NewType

Millis = NewType("Millis", int)
"""Milliseconds since the Unix epoch, UTC."""

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def rfc3339(at: int) -> str:
    """Milliseconds since the epoch as `2026-11-22T10:00:00.000Z`."""
    seconds, rest = divmod(at, SECOND)
    return f"{_to_the_second(seconds)}.{rest:03d}Z"


@lru_cache(maxsize=16)
def _to_the_second(seconds: int) -> str:
    # What is written at one time is mostly of one time: a sixth of what the clock's own words take.
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


END_OF_TIME = Millis(7_258_118_400_000)
"""2200-01-01, far from where dates end. Nothing is planned past it."""


def growing_pause(first: int, count: int, longest: int) -> int:
    """Milliseconds to wait after `count` tries before this one: twice as long each time."""
    return int(min(first * 2 ** min(count, 32), longest))
