"""The first page: what an operator wants to know in the morning."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from litestar import get
from litestar.response import Template

from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import OPEN_STATUSES, PaymentStatus
from shothik_payment.domain.model.time import HOUR, MINUTE, Millis
from shothik_payment.domain.model.transaction import TransactionKind
from shothik_payment.domain.model.web_session import Realm
from shothik_payment.domain.ports.payments import PaymentSum
from shothik_payment.domain.use_cases.panel_reads import MANY_STOPPED
from shothik_payment.entrypoints.http.call import AnyRequest
from shothik_payment.entrypoints.http.times import millis
from shothik_payment.entrypoints.pages.visits import Visit, visit_of
from shothik_payment.entrypoints.panel.overview_pictures import DAYS, pictures

LATE = MINUTE
"""An event that waits so long is late: the relay takes a second at most."""
_MANY = 100
_NOT_PAID = OPEN_STATUSES | {
    PaymentStatus.FAILED,
    PaymentStatus.CANCELLED,
    PaymentStatus.EXPIRED,
    PaymentStatus.REVIEW,
}

_RETURNED = {PaymentStatus.REFUNDED, PaymentStatus.LOST}


@get("/")
async def overview(request: AnyRequest) -> Template:
    visit = await visit_of(request, Realm.ADMIN)
    app, now = visit.app, visit.app.clock.now()
    today, week = _midnight(now, visit, 0), _midnight(now, visit, DAYS - 1)
    until = Millis(now + HOUR)
    figures = await app.overview.read(today, until)
    charged = await app.statistics.charged(min(week, Millis(now - 24 * HOUR)), until)
    reviewed, _ = await app.payment_admin.under_review(None, _MANY)
    ending = await app.key_administration.ending_soon(_MANY)
    taken = [hour for hour in figures.charged if hour.kind is not TransactionKind.REVERSE]
    backlog = figures.backlog
    return visit.show(
        "panel/overview.html",
        now=now,
        date=f"{datetime.fromtimestamp(today / 1000, visit.zone):%Y-%m-%d}",
        charged=sum(hour.credits for hour in taken),
        charges=sum(hour.rows for hour in taken),
        given_back=sum(hour.credits for hour in figures.charged) - sum(h.credits for h in taken),
        payments=_payments(figures.payments),
        stopped=at_most(figures.stopped, MANY_STOPPED),
        backlog=backlog,
        lag=0 if backlog.oldest_at is None else max(0, now - backlog.oldest_at),
        late=LATE,
        reviewed=at_most(len(reviewed), _MANY),
        ending=at_most(len(ending), _MANY),
        dependencies=await _dependencies(visit),
        # Drawing takes some ms, in which others are to be served.
        pictures=await asyncio.to_thread(
            pictures, charged, figures.payments, app.catalog, now, visit.zone
        ),
    )


def _midnight(now: Millis, visit: Visit, days_ago: int) -> Millis:
    """When the visitor's day began, that many days ago."""
    day = datetime.fromtimestamp(now / 1000, UTC).astimezone(visit.zone).date()
    return millis(datetime.combine(day - timedelta(days=days_ago), time(), visit.zone))


def at_most(count: int, most: int) -> str:
    """A count that ended early says so."""
    return f"{count:,}+" if count >= most else f"{count:,}"


@dataclass(frozen=True, slots=True)
class Payments:
    """Those that were begun in the time: how many were paid, for how much, and how many failed.
    `money` is without those that were wholly `returned`, by a refund or a lost dispute; of those
    `in_part` the whole."""

    paid: int
    money: list[Money]
    returned: int
    in_part: int
    failed: int
    open: int


def _payments(sums: dict[tuple[PaymentStatus, str], PaymentSum]) -> Payments:
    money: dict[str, int] = {}
    counts = dict.fromkeys(PaymentStatus, 0)
    for (status, currency), found in sums.items():
        counts[status] += found.payments
        if status not in _NOT_PAID | _RETURNED:
            money[currency] = money.get(currency, 0) + found.amount_minor
    return Payments(
        sum(count for status, count in counts.items() if status not in _NOT_PAID),
        [Money(amount, currency) for currency, amount in sorted(money.items())],
        sum(counts[status] for status in _RETURNED),
        counts[PaymentStatus.PARTIALLY_REFUNDED],
        counts[PaymentStatus.FAILED],
        sum(counts[status] for status in OPEN_STATUSES),
    )


async def _dependencies(visit: Visit) -> list[tuple[str, str | None]]:
    """Each by its name, with what is wrong with it."""
    api = visit.call.api
    checks, seconds = api.app.health, api.settings.health_timeout_seconds
    problems = await asyncio.gather(*(api.readiness.problem(check, seconds) for check in checks))
    return [(check.name, problem) for check, problem in zip(checks, problems, strict=True)]
