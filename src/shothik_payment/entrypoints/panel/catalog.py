"""What is sold, as it was checked when the service started."""

from __future__ import annotations

from dataclasses import dataclass

from litestar import get
from litestar.response import Template

from shothik_payment.domain.catalog import Catalog
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.plan import Limit, LimitUnit, Plan
from shothik_payment.domain.model.time import HOUR
from shothik_payment.domain.model.web_session import Realm
from shothik_payment.entrypoints.http.call import AnyRequest
from shothik_payment.entrypoints.pages.visits import visit_of


@get("/catalog")
async def catalog(request: AnyRequest) -> Template:
    visit = await visit_of(request, Realm.ADMIN)
    await visit.app.active_services.refresh()
    sold = visit.app.catalog
    return visit.show(
        "panel/catalog.html",
        catalog=sold,
        currencies=_currencies(sold),
        active=frozenset(visit.app.active_services.names()),
        default_rate_limit=visit.call.api.settings.rate_limit_per_hour,
        plans=[_offer(plan, sold) for plan in sold.billing.plans.values()],
        hours=lambda ms: f"{ms / HOUR:g}",
    )


def _currencies(sold: Catalog) -> list[str]:
    """In the order in which they come up."""
    prices = [pack.prices for pack in sold.packs]
    prices += [sold.credit_prices, *(plan.prices for plan in sold.billing.plans.values())]
    return list(dict.fromkeys(currency for each in prices for currency in each))


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan as it is sold. `services` None: every one; `limits` by the service's title."""

    plan: Plan
    prices: dict[str, Money]
    services: tuple[str, ...] | None
    limits: tuple[tuple[str, str], ...]


def _offer(plan: Plan, sold: Catalog) -> Offer:
    terms = plan.terms
    services = None
    if terms.services is not None:
        services = tuple(title_of(sold, name) for name in terms.services)
    limits = tuple((title_of(sold, name), _in_words(limit)) for name, limit in terms.limits.items())
    return Offer(plan, plan.prices, services, limits)


def _in_words(limit: Limit) -> str:
    unit = "credits" if limit.unit is LimitUnit.CREDITS else "times"
    return f"{limit.allowed:,} {unit}"


def title_of(sold: Catalog, name: str) -> str:
    """What people call the service; its name where the catalog has it no more."""
    service = sold.find_service(name)
    return name if service is None else service.title or service.slug
