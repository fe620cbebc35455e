"""Billing periods by the calendar.

The n-th period begins n months (or years) after the anchor, on the anchor's day and at its time of
day in the billing time zone. Where a month has no such day, on its last day, and the month after
on the anchor's day again: 31 January, 28 February, 31 March. A time of day that daylight saving
skips is that much later; one that it repeats is the first of the two.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from shothik_payment.domain.model.plan import Interval
from shothik_payment.domain.model.time import Millis


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """Raises ZoneInfoNotFoundError, and ValueError or OSError for what is no name of a zone."""
    return ZoneInfo(name)


def period_start(anchor: Millis, number: int, interval: Interval, time_zone: str) -> Millis:
    """When period `number` begins; period 0 begins at the anchor."""
    if number == 0:
        return anchor
    local = _local(anchor, time_zone)
    months = local.month - 1 + number * interval.months
    year, month = local.year + months // 12, months % 12 + 1
    day = min(local.day, monthrange(year, month)[1])
    moved = local.replace(year=year, month=month, day=day, fold=0)
    return Millis(round(moved.timestamp()) * 1000 + anchor % 1000)


def next_month(at: Millis, time_zone: str) -> Millis:
    """When the calendar month after that of `at` begins."""
    first = _local(at, time_zone).replace(day=1, hour=0, minute=0, second=0, fold=0)
    year, month = (first.year + 1, 1) if first.month == 12 else (first.year, first.month + 1)
    return Millis(round(first.replace(year=year, month=month).timestamp()) * 1000)


def _local(at: Millis, time_zone: str) -> datetime:
    return datetime.fromtimestamp(at // 1000, UTC).astimezone(zone(time_zone))
