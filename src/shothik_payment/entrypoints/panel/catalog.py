"""What is sold, as it was checked when the service started."""

from __future__ import annotations

from litestar import get
from litestar.response import Template

from shothik_payment.domain.catalog import Catalog
from shothik_payment.domain.model.time import HOUR
from shothik_payment.domain.model.web_session import Realm
from shothik_payment.entrypoints.http.call import AnyRequest
from shothik_payment.entrypoints.pages.plans import gives_of, titles_of
from shothik_payment.entrypoints.pages.visits import visit_of


@get("/catalog")
async def catalog(request: AnyRequest) -> Template:
    visit = await visit_of(request, Realm.ADMIN)
    await visit.app.active_services.refresh()
    sold = visit.app.catalog
    titles = titles_of(sold)
    return visit.show(
        "panel/catalog.html",
        catalog=sold,
        currencies=_currencies(sold),
        active=frozenset(visit.app.active_services.names()),
        default_rate_limit=visit.call.api.settings.rate_limit_per_hour,
        plans=[(plan, gives_of(plan.terms, titles)) for plan in sold.billing.plans.values()],
        hours=lambda ms: f"{ms / HOUR:g}",
    )


def _currencies(sold: Catalog) -> list[str]:
    """In the order in which they come up."""
    prices = [pack.prices for pack in sold.packs]
    prices += [sold.credit_prices, *(plan.prices for plan in sold.billing.plans.values())]
    return list(dict.fromkeys(currency for each in prices for currency in each))
