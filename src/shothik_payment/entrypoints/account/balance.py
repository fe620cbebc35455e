"""The first page: what is left, what of it ends when, and what stands in the way."""

from __future__ import annotations

from litestar import get
from litestar.response import Template

from shothik_payment.domain.ledger.coming_terms import coming_terms
from shothik_payment.domain.model.web_session import Realm
from shothik_payment.entrypoints.account.standing import plan_titles, stopped
from shothik_payment.entrypoints.http.call import AnyRequest
from shothik_payment.entrypoints.pages.plans import titles_of
from shothik_payment.entrypoints.pages.visits import visit_of

_LATEST = 5
_GRANTS = 100


@get("/")
async def balance(request: AnyRequest) -> Template:
    visit = await visit_of(request, Realm.ACCOUNT)
    app = visit.app
    wallet = await app.wallet_views.wallet(visit.user_id)
    found = wallet.subscription
    latest = await app.wallet_views.history(visit.user_id, None, _LATEST)
    return visit.show(
        "account/balance.html",
        wallet=wallet,
        grants=wallet.grants[:_GRANTS],
        more=wallet.grants[_GRANTS:],
        stopped=stopped(wallet, app.catalog),
        titles=titles_of(app.catalog),
        coming=found and coming_terms(app.catalog.billing, found),
        plans=plan_titles(app.catalog),
        free=app.catalog.billing.free,
        rows=latest.transactions,
    )
