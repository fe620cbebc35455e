"""Payments: the list, and those to review."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import get
from litestar.response import Template
from msgspec import Meta

from shothik_payment.domain.errors import InvalidRequest
from shothik_payment.domain.model.payment import PaymentStatus
from shothik_payment.domain.model.web_session import Realm
from shothik_payment.domain.ports.payments import PaymentFilter
from shothik_payment.entrypoints.http import fields as f
from shothik_payment.entrypoints.http.call import AnyRequest
from shothik_payment.entrypoints.http.cursors import cursor, optional_cursor, place_of
from shothik_payment.entrypoints.http.requests import PageQuery
from shothik_payment.entrypoints.http.validation import QueryReader
from shothik_payment.entrypoints.pages.figures import words
from shothik_payment.entrypoints.pages.links import older, with_query
from shothik_payment.entrypoints.pages.moments import LocalDay, day
from shothik_payment.entrypoints.pages.visits import Visit, visit_of

_Status = Annotated[
    PaymentStatus, Meta(extra={"expected": f"one of {', '.join(s.value for s in PaymentStatus)}"})
]


class PaymentsQuery(PageQuery, kw_only=True):
    status: _Status | None = None
    gateway: f.Name | None = None
    user: f.UserId | None = None
    day: LocalDay | None = None


_QUERY = QueryReader(PaymentsQuery)
_PAGE = QueryReader(PageQuery)
_ANY = ("", "any")
_FILTERS = ("status", "gateway", "user", "day")


@get("/payments")
async def payments(request: AnyRequest) -> Template:
    visit = await visit_of(request, Realm.ADMIN)
    typed = {name: request.query_params.get(name, "") for name in _FILTERS}
    try:
        query = visit.query(_QUERY)
        which = _which(query, visit)
    except InvalidRequest as error:
        return _list(visit, typed, PaymentsQuery(), None, status=400, problem=error, payments=[])
    before = place_of("payments", "cursor", query.cursor)
    found = await visit.app.payments.search(which, before, query.limit + 1)
    page = found[: query.limit]
    place = cursor("payments", page[-1].id) if len(found) > query.limit else None
    return _list(visit, typed, query, place, payments=page)


def _which(query: PaymentsQuery, visit: Visit) -> PaymentFilter:
    """Raises InvalidRequest for a day that is in no calendar."""
    since = until = None
    if query.day is not None:
        since, until = day("day", query.day, visit.zone)
    return PaymentFilter(query.status, query.gateway, query.user, since, until)


def _list(
    visit: Visit, typed: dict[str, str], query: PageQuery, place: str | None, **context: Any
) -> Template:
    path = f"/{visit.realm}/payments"
    gateways = {*visit.app.payment_admin.gateway_names, typed["gateway"]}
    return visit.show(
        "panel/payments.html",
        tab="",
        filters=typed,
        filtered=any(typed.values()),
        statuses=[_ANY, *((status.value, words(status)) for status in PaymentStatus)],
        gateways=[_ANY, *((name, name) for name in sorted(gateways - {""}))],
        older=older(path, query, place, **typed),
        newest=query.cursor and with_query(path, **typed),
        **context,
    )


@get("/payments/review")
async def review(request: AnyRequest) -> Template:
    visit = await visit_of(request, Realm.ADMIN)
    query = visit.query(_PAGE)
    before = place_of("review", "cursor", query.cursor)
    page, last = await visit.app.payment_admin.under_review(before, query.limit)
    path = f"/{visit.realm}/payments/review"
    return visit.show(
        "panel/payments.html",
        tab="review",
        payments=page,
        older=older(path, query, optional_cursor("review", last)),
        newest=query.cursor and path,
    )
