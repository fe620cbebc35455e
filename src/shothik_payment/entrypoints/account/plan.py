"""The plan: what is had, what is used of it, what comes next, and what else there is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from litestar import get
from litestar.response import Template

from shothik_payment.domain.catalog import Catalog
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.plan import Plan
from shothik_payment.domain.model.subscription import PaidFor, Subscription, SubscriptionStatus
from shothik_payment.domain.model.web_session import Realm
from shothik_payment.domain.use_cases.subscription_view import SubscriptionView
from shothik_payment.domain.use_cases.wallet_views import usage_of
from shothik_payment.entrypoints.account.paying import WayQuery, Ways, checkout_of, ways_of
from shothik_payment.entrypoints.account.standing import plan_titles
from shothik_payment.entrypoints.http import fields as f
from shothik_payment.entrypoints.http.call import AnyRequest
from shothik_payment.entrypoints.http.cursors import number_of, optional_cursor
from shothik_payment.entrypoints.http.requests import PageQuery
from shothik_payment.entrypoints.http.validation import QueryReader
from shothik_payment.entrypoints.pages.actions import while_so
from shothik_payment.entrypoints.pages.plans import Gives, gives_of, titles_of
from shothik_payment.entrypoints.pages.visits import Visit, visit_of

S = SubscriptionStatus


class PlanQuery(PageQuery, kw_only=True):
    limit: f.Limit = 10
    currency: f.Currency | None = None
    done: f.Name | None = None


_QUERY = QueryReader(PlanQuery)
_STILL_SO: Mapping[str, Callable[[Subscription | None], object]] = {
    "cancelled": lambda found: found is None,
    "ending": lambda found: found and found.cancel_at_period_end,
    "pausing": lambda found: found and found.pause_at_period_end,
    "kept": bool,
    "charging": bool,
    **dict.fromkeys(("begun", "changed", "resumed", "paid"), lambda found: found and found.lasts),
}


@dataclass(frozen=True, slots=True)
class Possible:
    """What the user can do about the subscription now. `cancel_later`: at the period's end; without
    it a cancellation ends it at once, or is planned already."""

    cancel: bool = False
    cancel_later: bool = False
    undo: bool = False
    pause: bool = False
    resume: bool = False
    pay: bool = False
    change: bool = True


def running(view: SubscriptionView) -> Subscription | None:
    """None: the user has none, or none any more."""
    found = view.subscription
    return None if found is None or found.ended else found


def possible(view: SubscriptionView) -> Possible:
    found = running(view)
    if found is None:
        return Possible()
    awaited = found.awaited
    if awaited is not None and awaited.under_way:
        return Possible(change=False)  # a charge is under way; it decides
    lasts = found.lasts
    upgrading = awaited is not None and awaited.paid_for is PaidFor.UPGRADE
    ends = found.cancel_at_period_end and not found.given
    return Possible(
        cancel=True,
        cancel_later=lasts and not found.cancel_at_period_end,
        undo=bool(upgrading or found.next_plan or ends or found.pause_at_period_end),
        pause=lasts
        and found.status is S.ACTIVE
        and found.terms.pausable
        and not (found.given or found.pause_at_period_end),
        resume=found.status is S.PAUSED,
        pay=found.status is S.PAST_DUE,
        change=(lasts and not upgrading) or found.status is S.INCOMPLETE,
    )


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan on sale. `price` None: it is free, or not sold in the currency. `can_have`: there is a
    way to get it from here."""

    plan: Plan
    price: Money | None
    gives: Gives
    current: bool
    can_have: bool


def offers(
    catalog: Catalog, found: Subscription | None, currency: str | None, *, can_change: bool
) -> list[Offer]:
    had: str | None = (found.terms if found is not None else catalog.billing.free).plan
    if found is not None and found.status is S.INCOMPLETE and found.awaited is None:
        had = None  # nothing leads to its payment but beginning it again
    titles, offered = titles_of(catalog), []
    for plan in catalog.billing.plans.values():
        price = plan.prices.get(currency or "")
        # Going back to what everybody has is a cancellation; only credits make it a plan to begin.
        sold = plan.terms.credits > 0 if plan.free else price is not None
        current = plan.id == had
        can_have = can_change and sold and not current
        gives = gives_of(plan.terms, titles)
        offered.append(Offer(plan, price, gives, current, can_have))
    return offered


def _ways(visit: Visit, found: Subscription | None, currency: str | None) -> tuple[Ways, bool]:
    """And whether there is a choice: what is paid for stays in its currency."""
    if found is not None and found.status is not S.INCOMPLETE and found.currency is not None:
        return Ways((), found.currency, (), found.gateway), False
    plans = visit.app.catalog.billing.plans.values()
    sold_in = dict.fromkeys(each for plan in plans for each in plan.prices)
    return ways_of(visit, sold_in, WayQuery(currency)), True


@get("/plan")
async def plan(request: AnyRequest) -> Template:
    visit = await visit_of(request, Realm.ACCOUNT)
    app, query = visit.app, visit.query(_QUERY)
    before = number_of("steps", "cursor", query.cursor)
    view = await app.subscriptions.current(visit.user_id)
    wallet = await app.wallet_views.wallet(visit.user_id)  # later: it has what the view has
    steps, last = await app.subscriptions.history(visit.user_id, before, query.limit)
    found, can = running(view), possible(view)
    ways, choosable = _ways(visit, found, query.currency)
    change = can.change and not wallet.frozen
    return visit.show(
        "account/plan.html",
        found=found,
        coming=view.coming,
        last=view.subscription,
        free=app.catalog.billing.free,
        can=can,
        awaited=view.payment,
        checkout=None if view.payment is None else checkout_of(view.payment),
        wallet=wallet,
        usage=usage_of(wallet, app.wallet_views.rules()),
        titles=titles_of(app.catalog),
        plans=plan_titles(app.catalog),
        offers=offers(app.catalog, found, ways.currency, can_change=change),
        ways=ways,
        choosable=choosable,
        steps=steps,
        before=before,
        next=optional_cursor("steps", last),
        done=while_so(query.done, _STILL_SO, found),
    )
