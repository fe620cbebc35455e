"""The pictures of the overview."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from shothik_payment.domain.catalog import Catalog
from shothik_payment.domain.model.payment import PaymentStatus
from shothik_payment.domain.model.time import HOUR, Millis
from shothik_payment.domain.model.transaction import TransactionKind
from shothik_payment.domain.ports.payments import PaymentSum
from shothik_payment.domain.ports.statistics import ChargedHour
from shothik_payment.entrypoints.pages.charts import Chart, Series, Tone, columns, ranking
from shothik_payment.entrypoints.pages.plans import titles_of

DAYS = 7
_HOURS = 24
_TONES = (Tone.FIRST, Tone.SECOND, Tone.THIRD)
"""So many services have a colour of their own, the others share one."""


@dataclass(frozen=True, slots=True)
class Pictures:
    today: Chart
    hours: Chart
    days: Chart
    payments: Chart


def pictures(
    charged: Sequence[ChargedHour],
    payments: Mapping[tuple[PaymentStatus, str], PaymentSum],
    catalog: Catalog,
    now: Millis,
    zone: ZoneInfo,
) -> Pictures:
    taken = [hour for hour in charged if hour.kind is not TransactionKind.REVERSE]
    # A week has few hours, and a row for each service in each.
    date_of = cache(lambda at: _local(at, zone).date())
    today = date_of(now)
    of_today: dict[str, int] = {}
    for hour in taken:
        if date_of(hour.start) == today:
            of_today[hour.service] = of_today.get(hour.service, 0) + hour.credits
    titles = titles_of(catalog)
    return Pictures(
        ranking(
            "Credits charged today",
            "Service",
            "Credits",
            [(titles.get(name, name), credits) for name, credits in of_today.items()],
        ),
        _hours(taken, catalog, now, zone),
        _days(taken, catalog, today, date_of),
        _outcomes(payments),
    )


def _hours(taken: Sequence[ChargedHour], catalog: Catalog, now: Millis, zone: ZoneInfo) -> Chart:
    first = now - now % HOUR - (_HOURS - 1) * HOUR
    labels = [f"{_local(first + place * HOUR, zone):%H:%M}" for place in range(_HOURS)]
    series = _stacked(taken, catalog, _HOURS, lambda hour: (hour.start - first) // HOUR)
    return columns("Charged in the last 24 hours", "Hour", labels, series, every=6)


def _days(
    taken: Sequence[ChargedHour], catalog: Catalog, today: date, date_of: Callable[[int], date]
) -> Chart:
    first = today - timedelta(days=DAYS - 1)
    labels = [f"{first + timedelta(days=place):%a}" for place in range(DAYS)]

    def place_of(hour: ChargedHour) -> int:
        return (date_of(hour.start) - first).days

    series = _stacked(taken, catalog, DAYS, place_of)
    return columns("Charged in the last 7 days", "Day", labels, series)


def _stacked(
    taken: Sequence[ChargedHour],
    catalog: Catalog,
    places: int,
    place_of: Callable[[ChargedHour], int],
) -> list[Series]:
    """One series for each of the services that charged most in all that was read, so that a
    service has the same colour in every picture; then one for the others."""
    totals: dict[str, int] = {}
    for hour in taken:
        totals[hour.service] = totals.get(hour.service, 0) + hour.credits
    shown = sorted(totals, key=lambda name: -totals[name])[: len(_TONES)]
    rows = {name: [0] * places for name in shown}
    others = [0] * places
    for hour in taken:
        place = place_of(hour)
        if 0 <= place < places:
            rows.get(hour.service, others)[place] += hour.credits
    titles = titles_of(catalog)
    series = [
        Series(titles.get(name, name), tuple(rows[name]), tone)
        for name, tone in zip(shown, _TONES, strict=False)
    ]
    if any(others) or not series:
        series.append(Series("Others", tuple(others), Tone.REST))
    return series


def _outcomes(payments: Mapping[tuple[PaymentStatus, str], PaymentSum]) -> Chart:
    counts: dict[str, int] = {}
    for (status, _), found in payments.items():
        name = status.replace("_", " ")
        counts[name] = counts.get(name, 0) + found.payments
    return ranking("Payments today", "Status now", "Payments", list(counts.items()))


def _local(at: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(zone)
