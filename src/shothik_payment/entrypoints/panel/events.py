"""Events: what is told now, and what was told in the last 30 days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from litestar import get
from litestar.response import Template
from msgspec import field

from shothik_payment.domain.errors import InvalidRequest
from shothik_payment.domain.events import EVENT_TYPES
from shothik_payment.domain.model.web_session import Realm
from shothik_payment.domain.ports.event_log import START
from shothik_payment.domain.use_cases.event_feed import EventPage
from shothik_payment.entrypoints.http import fields as f
from shothik_payment.entrypoints.http.call import AnyRequest
from shothik_payment.entrypoints.http.cursors import cursor, optional_cursor, place_of
from shothik_payment.entrypoints.http.requests import PageQuery
from shothik_payment.entrypoints.http.validation import QueryReader
from shothik_payment.entrypoints.pages.links import older, with_query
from shothik_payment.entrypoints.pages.moments import LocalMoment, moment
from shothik_payment.entrypoints.pages.visits import Visit, visit_of
from shothik_payment.entrypoints.panel.shown_events import shown

TYPE_NAMES = [data.type for data in EVENT_TYPES]
_FRESH = 200
"""So many new ones at once; of more the newest are shown."""


class EventsQuery(PageQuery, kw_only=True):
    """`cursor`: only older ones; `after`: only newer ones, the oldest of those."""

    user: f.UserId | None = None
    type: f.EventTypes | None = None
    since: LocalMoment | None = field(name="from", default=None)
    until: LocalMoment | None = field(name="to", default=None)
    after: f.Cursor | None = None


_QUERY = QueryReader(EventsQuery)
_NOTHING = EventPage([], None, START)


@get("/events")
async def events(request: AnyRequest) -> Template:
    visit = await visit_of(request, Realm.ADMIN)
    typed = {
        "user": request.query_params.get("user", ""),
        "types": request.query_params.getall("type", []),
        "from": request.query_params.get("from", ""),
        "to": request.query_params.get("to", ""),
    }
    try:
        query = visit.query(_QUERY)
        page = await _page(visit, query)
    except InvalidRequest as error:
        return _show(visit, typed, EventsQuery(), _NOTHING, status=400, problem=error)
    return _show(visit, typed, query, page)


async def _page(visit: Visit, query: EventsQuery) -> EventPage:
    """Newest first. Raises InvalidRequest."""
    after = place_of("events", "after", query.after)
    if after is not None:
        page = await visit.app.event_feed.page(after, query.limit, query.user, query.type or ())
        return EventPage(page.events[::-1], None, page.last)
    log = visit.app.events
    # First: what is told in between is then told twice, and not passed over.
    newest = await log.latest(1)
    found = await log.latest(
        query.limit + 1,
        query.user,
        query.type or (),
        place_of("events", "cursor", query.cursor) or START,
        moment("from", query.since, visit.zone),
        moment("to", query.until, visit.zone),
    )
    these = found[: query.limit]
    place = these[-1].position if len(found) > query.limit else None
    return EventPage(these, place, newest[0].position if newest else START)


def _show(
    visit: Visit, typed: Mapping[str, Any], query: EventsQuery, page: EventPage, **context: Any
) -> Template:
    path = f"/{visit.realm}/events"
    asked = _asked(query)
    last = cursor("events", page.last)
    newest = query.cursor is None and query.until is None
    return visit.show(
        "panel/events.html",
        types=TYPE_NAMES,
        filters=typed,
        filtered=any(typed.values()),
        events=shown(page.events),
        paged=query.cursor is not None or query.after is not None,
        older=older(path, query, optional_cursor("events", page.next), **asked),
        newest=with_query(path, **asked),
        newer=newest and with_query(path, **asked, after=last),
        # Who reads on in steps, without JavaScript, is not overtaken by it.
        tail=newest and query.after is None and with_query(f"{path}/newer", **asked, after=last),
        replay=with_query(f"{path}/replay", **asked),
        **context,
    )


def _asked(query: EventsQuery) -> dict[str, str | Sequence[str] | None]:
    """What the links of a page go on asking for."""
    return {"user": query.user, "type": query.type, "from": query.since, "to": query.until}


@get("/events/newer")
async def newer(request: AnyRequest) -> Template:
    """Rows for the top of the list, and where to ask for the next."""
    visit = await visit_of(request, Realm.ADMIN)
    query = visit.query(_QUERY)
    types = query.type or ()
    after = place_of("events", "after", query.after) or START
    page = await visit.app.event_feed.page(after, _FRESH, query.user, types)
    found = page.events[::-1]
    if page.next is not None:
        found = await visit.app.events.latest(_FRESH, query.user, types)
        page.last = found[0].position
    path = f"/{visit.realm}/events/newer"
    return visit.show(
        "panel/newer_events.html",
        events=shown(found),
        left_out=page.next is not None,
        tail=with_query(path, **_asked(query), after=cursor("events", page.last)),
    )
