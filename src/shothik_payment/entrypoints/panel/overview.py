"""The first page: what an operator wants to know in the morning."""

from __future__ import annotations

from litestar import get
from litestar.response import Template

from shothik_payment.domain.model.web_session import Realm
from shothik_payment.entrypoints.http.call import AnyRequest
from shothik_payment.entrypoints.pages.visits import visit_of


@get("/")
async def overview(request: AnyRequest) -> Template:
    visit = await visit_of(request, Realm.ADMIN)
    return visit.show("panel/overview.html")
