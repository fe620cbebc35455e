"""What plans are on sale."""

from __future__ import annotations

from litestar import get

from shothik_payment.entrypoints.http import plan_replies as r
from shothik_payment.entrypoints.http.answers import Answer, reply
from shothik_payment.entrypoints.http.call import AnyRequest, call_of
from shothik_payment.entrypoints.http.docs import Caller, Doc, documented

_PRO = r.PlanOnSaleView(
    id="pro",
    title="Pro",
    interval="month",
    prices={"USD": 1500, "BDT": 180000},
    credits=2000,
    rollover=500,
    trial_days=0,
    trial_credits=0,
    services=["paraphrase_service", "slide_service"],
    limits={"slide_service": r.PlanLimitView(unit="count", allowed=50)},
    pausable=False,
)


@get(
    "/plans",
    opt=documented(
        Doc(
            summary="The plans on sale; `free` is what a user without a subscription has",
            tag="catalog",
            caller=Caller.ANYONE,
            answer=r.PlansReply(plans=[_PRO]),
        )
    ),
)
async def plans(request: AnyRequest) -> Answer:
    catalog = call_of(request.scope).app.catalog
    views = [r.plan_on_sale_view(plan, catalog) for plan in catalog.billing.plans.values()]
    return reply(r.PlansReply(plans=views))
