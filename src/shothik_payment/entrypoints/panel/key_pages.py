"""One API key: what it may do, what it was used for, and what was done to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Annotated, Literal
from urllib.parse import quote

from litestar import get
from litestar.response import Template
from msgspec import Meta, Struct

from shothik_payment.domain.model.api_key import ENDS_SOON, ApiKey
from shothik_payment.domain.model.key_usage import Granularity, UsageReport
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.web_session import Realm
from shothik_payment.entrypoints.http import fields as f
from shothik_payment.entrypoints.http.call import AnyRequest
from shothik_payment.entrypoints.http.cursors import number_of, optional_cursor
from shothik_payment.entrypoints.http.validation import QueryReader
from shothik_payment.entrypoints.pages.actions import while_so
from shothik_payment.entrypoints.pages.charts import Chart, Series, Tone, columns, ranking
from shothik_payment.entrypoints.pages.links import with_query
from shothik_payment.entrypoints.pages.visits import visit_of

_ENTRIES = 20
_CURSOR = "panel key log"
_STILL_SO: Mapping[str, Callable[[ApiKey], bool]] = {
    "revoked": lambda key: key.revoked_at is not None,
}


class _Query(Struct, kw_only=True):
    by: f.Granularity = Granularity.DAY
    cursor: f.Cursor | None = None
    done: Annotated[Literal["changed", "revoked"], Meta(extra={"expected": "changed, revoked"})] | (
        None
    ) = None


_QUERY = QueryReader(_Query)


@get("/keys/{keyId:str}")
async def key(request: AnyRequest) -> Template:
    visit = await visit_of(request, Realm.ADMIN)
    app, query = visit.app, visit.query(_QUERY)
    found = await app.key_administration.get(visit.call.path_name("keyId"))
    await app.key_usage.show_last_use([found])
    report = await app.key_usage.report(found.id, query.by)
    before = number_of(_CURSOR, "cursor", query.cursor)
    entries, last = await app.key_administration.audit_log(found.id, before, _ENTRIES)
    path = f"/admin/keys/{quote(found.id, safe='')}"
    following = optional_cursor(_CURSOR, last)
    return visit.show(
        "panel/key.html",
        key=found,
        service=app.catalog.find_service(found.service),
        now=app.wall_clock.now(),
        ends_soon=ENDS_SOON,
        health=await app.key_health.check(found),
        usage=await asyncio.to_thread(_pictures, report, visit.zone),
        total=report.total,
        by=query.by,
        entries=entries,
        first=with_query(path, by=query.by) if before else None,
        next=following and with_query(path, by=query.by, cursor=following),
        done=while_so(query.done, _STILL_SO, found),
    )


@dataclass(frozen=True, slots=True)
class Usage:
    when: Chart
    endpoints: Chart


_OUTCOMES: tuple[tuple[str, Tone, Callable[[int], bool]], ...] = (
    ("done", Tone.GOOD, lambda status: status < 400),
    ("too few credits", Tone.WARN, lambda status: status == 402),
    ("refused", Tone.FOURTH, lambda status: 400 <= status < 500 and status != 402),
    ("failed", Tone.BAD, lambda status: status >= 500),
)


def _pictures(report: UsageReport, zone: tzinfo) -> Usage:
    daily = report.granularity is Granularity.DAY
    title = f"Requests {'a day (UTC), the last 30' if daily else 'an hour, the last two'} days"
    # A day of usage is UTC's, wherever the visitor is.
    labels = [_label(point.start, UTC if daily else zone, daily) for point in report.points]
    series = [
        Series(name, tuple(_sum(point.by_status, fits) for point in report.points), tone)
        for name, tone, fits in _OUTCOMES
    ]
    used = [one for one in series if one.total] or series[:1]
    every = 7 if daily else 16
    return Usage(
        columns(title, "Day" if daily else "Hour", labels, used, every),
        ranking("By endpoint", "Endpoint", "Requests", list(report.by_endpoint.items())),
    )


def _sum(by_status: dict[int, int], fits: Callable[[int], bool]) -> int:
    counted: Iterable[int] = (count for status, count in by_status.items() if fits(status))
    return sum(counted)


def _label(at: Millis, zone: tzinfo, daily: bool) -> str:
    moment = datetime.fromtimestamp(at / 1000, UTC).astimezone(zone)
    return moment.strftime("%b %-d" if daily else "%b %-d, %H:%M")
