"""Points in time are whole milliseconds since 1970-01-01T00:00:00Z; durations say their unit."""

from __future__ import annotations

from typing import NewType

Millis = NewType("Millis", int)
"""Milliseconds since the Unix epoch, UTC."""

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
