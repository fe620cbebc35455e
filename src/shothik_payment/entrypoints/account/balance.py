"""The first page: what is left, and what of it ends when."""

from __future__ import annotations

from litestar import get
from litestar.response import Template

from shothik_payment.domain.model.web_session import Realm
from shothik_payment.entrypoints.http.call import AnyRequest
from shothik_payment.entrypoints.pages.visits import visit_of


@get("/")
async def balance(request: AnyRequest) -> Template:
    visit = await visit_of(request, Realm.ACCOUNT)
    wallet = await visit.app.wallet_views.wallet(visit.user_id)
    return visit.show("account/balance.html", wallet=wallet)
