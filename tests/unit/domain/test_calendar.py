"""Billing periods by the calendar."""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shothik_payment.domain.model.calendar import next_month, period_start
from shothik_payment.domain.model.plan import Interval
from shothik_payment.domain.model.time import DAY, HOUR, Millis

MONTH, YEAR = Interval.MONTH, Interval.YEAR
BERLIN, NEW_YORK, DHAKA = "Europe/Berlin", "America/New_York", "Asia/Dhaka"


def at(text: str) -> Millis:
    """`2026-01-31T10:00+01:00` in ms since the epoch."""
    return Millis(round(datetime.fromisoformat(text).timestamp() * 1000))


def starts(anchor: str, numbers: range, interval: Interval = MONTH, zone: str = "UTC") -> list[str]:
    moments = [period_start(at(anchor), n, interval, zone) for n in numbers]
    return [
        datetime.fromtimestamp(m / 1000, ZoneInfo(zone)).isoformat(timespec="minutes")
        for m in moments
    ]


@pytest.mark.parametrize(
    ("anchor", "days"),
    [
        ("2026-01-31", "01-31 02-28 03-31 04-30 05-31 06-30 07-31 08-31 09-30 10-31 11-30 12-31"),
        ("2028-01-30", "01-30 02-29 03-30 04-30 05-30 06-30 07-30 08-30 09-30 10-30 11-30 12-30"),
        ("2026-01-29", "01-29 02-28 03-29 04-29 05-29 06-29 07-29 08-29 09-29 10-29 11-29 12-29"),
        ("2026-11-30", "11-30 12-30 01-30 02-28 03-30 04-30 05-30 06-30 07-30 08-30 09-30 10-30"),
    ],
)
def test_a_month_that_has_no_such_day_ends_the_period_on_its_last_one(
    anchor: str, days: str
) -> None:
    found = starts(f"{anchor}T10:30+00:00", range(12))
    assert [text[5:10] for text in found] == days.split()
    assert {text[10:16] for text in found} == {"T10:30"}


def test_over_the_end_of_a_year_and_over_a_leap_day() -> None:
    assert starts("2027-12-31T23:59+00:00", range(1, 4)) == [
        "2028-01-31T23:59+00:00", "2028-02-29T23:59+00:00", "2028-03-31T23:59+00:00",
    ]  # fmt: skip


def test_years_from_29_february() -> None:
    assert starts("2024-02-29T08:00+00:00", range(6), YEAR) == [
        "2024-02-29T08:00+00:00", "2025-02-28T08:00+00:00", "2026-02-28T08:00+00:00",
        "2027-02-28T08:00+00:00", "2028-02-29T08:00+00:00", "2029-02-28T08:00+00:00",
    ]  # fmt: skip
    assert starts("2096-02-29T08:00+00:00", range(4, 9, 4), YEAR) == [
        "2100-02-28T08:00+00:00", "2104-02-29T08:00+00:00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "anchor", "number", "begins"),
    [
        # Forward: 29 March 2026, 2:00 to 3:00; 8 March 2026, 2:00 to 3:00.
        (BERLIN, "2026-02-28T12:00+01:00", 1, "2026-03-28T12:00+01:00"),
        (BERLIN, "2026-01-29T12:00+01:00", 2, "2026-03-29T12:00+02:00"),
        (BERLIN, "2026-01-29T02:30+01:00", 2, "2026-03-29T03:30+02:00"),
        (NEW_YORK, "2026-02-08T02:30-05:00", 1, "2026-03-08T03:30-04:00"),
        (NEW_YORK, "2026-02-08T02:30-05:00", 2, "2026-04-08T02:30-04:00"),
        # Back: 25 October 2026, 3:00 to 2:00; 1 November 2026, 2:00 to 1:00: the first of the two.
        (BERLIN, "2026-09-25T02:30+02:00", 1, "2026-10-25T02:30+02:00"),
        (BERLIN, "2026-09-25T03:00+02:00", 1, "2026-10-25T03:00+01:00"),
        (BERLIN, "2026-10-25T02:30+01:00", 1, "2026-11-25T02:30+01:00"),
        (NEW_YORK, "2026-10-01T01:30-04:00", 1, "2026-11-01T01:30-04:00"),
        (NEW_YORK, "2026-10-01T02:00-04:00", 1, "2026-11-01T02:00-05:00"),
        # A day that is another one in UTC.
        (DHAKA, "2026-01-31T02:00+06:00", 1, "2026-02-28T02:00+06:00"),
        (DHAKA, "2026-01-31T02:00+06:00", 2, "2026-03-31T02:00+06:00"),
    ],
)
def test_the_time_of_day_is_that_of_the_billing_time_zone(
    zone: str, anchor: str, number: int, begins: str
) -> None:
    assert period_start(at(anchor), number, MONTH, zone) == at(begins)


def test_the_first_period_begins_at_its_anchor_to_the_millisecond() -> None:
    second_of_two = Millis(at("2026-10-25T02:30+01:00") + 7)
    assert period_start(second_of_two, 0, MONTH, BERLIN) == second_of_two
    assert period_start(second_of_two, 1, MONTH, BERLIN) % 1000 == 7


@pytest.mark.parametrize(
    ("zone", "now", "begins"),
    [
        ("UTC", "2026-01-31T23:59+00:00", "2026-02-01T00:00+00:00"),
        ("UTC", "2026-12-01T00:00+00:00", "2027-01-01T00:00+00:00"),
        (DHAKA, "2026-01-31T17:59+00:00", "2026-02-01T00:00+06:00"),
        (DHAKA, "2026-01-31T18:00+00:00", "2026-03-01T00:00+06:00"),
        (BERLIN, "2026-03-31T21:59+00:00", "2026-04-01T00:00+02:00"),
        (NEW_YORK, "2026-11-30T23:00-05:00", "2026-12-01T00:00-05:00"),
        (NEW_YORK, "2026-11-01T01:30-05:00", "2026-12-01T00:00-05:00"),
    ],
)
def test_the_calendar_month_after(zone: str, now: str, begins: str) -> None:
    assert next_month(at(now), zone) == at(begins)


@given(
    anchor=st.integers(at("2020-01-01T00:00+00:00"), at("2040-01-01T00:00+00:00")),
    number=st.integers(0, 240),
    interval=st.sampled_from([MONTH, YEAR]),
    zone=st.sampled_from(["UTC", BERLIN, NEW_YORK, DHAKA, "Australia/Lord_Howe"]),
)
@example(at("2026-10-25T02:30+01:00"), 0, MONTH, BERLIN)
@example(at("2026-01-29T02:30+01:00"), 2, MONTH, BERLIN)
def test_periods_follow_one_another_and_never_drift(
    anchor: int, number: int, interval: Interval, zone: str
) -> None:
    begins = period_start(Millis(anchor), number, interval, zone)
    ends = period_start(Millis(anchor), number + 1, interval, zone)
    # A day and a daylight saving less than the shortest month or year, and so much more.
    shortest, longest = (28, 31) if interval is MONTH else (365, 366)
    assert shortest * DAY - 2 * HOUR <= ends - begins <= longest * DAY + 2 * HOUR
    first, begun = (datetime.fromtimestamp(m // 1000, ZoneInfo(zone)) for m in (anchor, begins))
    months = (begun.year - first.year) * 12 + begun.month - first.month
    assert months == number * interval.months
    assert begun.day == min(first.day, monthrange(begun.year, begun.month)[1])
    drift = (begun.replace(tzinfo=None) - datetime.combine(begun, first.time())).seconds
    assert drift in (0, 1800, 3600)
    assert begins % 1000 == anchor % 1000
