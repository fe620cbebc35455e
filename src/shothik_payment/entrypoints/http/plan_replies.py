"""What those get who ask which plans are on sale."""

from __future__ import annotations

from typing import Literal

from shothik_payment.domain.catalog import Catalog
from shothik_payment.domain.model.plan import Plan
from shothik_payment.entrypoints.http.replies import Reply, View


class PlanLimitView(View, kw_only=True, frozen=True):
    """`allowed` in each period: so many charges (`count`), or so many credits in all."""

    unit: Literal["count", "credits"]
    allowed: int


class PlanOnSaleView(View, kw_only=True, frozen=True):
    """`prices` by currency in minor units; none: it is free. `credits` come with each interval and
    end with it, but for `rollover` of them. A service without a limit is not limited."""

    id: str
    title: str
    interval: Literal["month", "year"]
    prices: dict[str, int]
    credits: int
    rollover: int
    trial_days: int
    trial_credits: int
    services: list[str]
    limits: dict[str, PlanLimitView]
    pausable: bool


class PlansReply(Reply, kw_only=True, frozen=True):
    plans: list[PlanOnSaleView]


def plan_on_sale_view(plan: Plan, catalog: Catalog) -> PlanOnSaleView:
    terms = plan.terms
    return PlanOnSaleView(
        id=plan.id,
        title=terms.title,
        interval=terms.interval.value,
        prices={currency: price.amount_minor for currency, price in plan.prices.items()},
        credits=terms.credits,
        rollover=terms.rollover,
        trial_days=plan.trial_days,
        trial_credits=plan.trial_credits,
        services=catalog.included(terms),
        limits={
            name: PlanLimitView(unit=limit.unit.value, allowed=limit.allowed)
            for name, limit in terms.limits.items()
        },
        pausable=terms.pausable,
    )
