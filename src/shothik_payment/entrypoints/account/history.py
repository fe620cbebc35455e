"""Everything that has happened to the credits."""

from __future__ import annotations

from litestar import get
from litestar.response import Template

from shothik_payment.domain.model.web_session import Realm
from shothik_payment.entrypoints.http.call import AnyRequest
from shothik_payment.entrypoints.http.cursors import number_of, optional_cursor
from shothik_payment.entrypoints.http.requests import PageQuery
from shothik_payment.entrypoints.http.validation import QueryReader
from shothik_payment.entrypoints.pages.plans import titles_of
from shothik_payment.entrypoints.pages.visits import visit_of

_PAGE = QueryReader(PageQuery)


@get("/history")
async def history(request: AnyRequest) -> Template:
    visit = await visit_of(request, Realm.ACCOUNT)
    query = visit.query(_PAGE)
    before = number_of("rows", "cursor", query.cursor)
    page = await visit.app.wallet_views.history(visit.user_id, before, query.limit)
    return visit.show(
        "account/history.html",
        rows=page.transactions,
        titles=titles_of(visit.app.catalog),
        before=before,
        next=optional_cursor("rows", page.next),
    )
