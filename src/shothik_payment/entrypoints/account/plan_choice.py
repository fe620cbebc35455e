"""Beginning a plan, or changing to it: first what it would cost and bring, then the button."""

from __future__ import annotations

from functools import partial

from msgspec import Struct

from shothik_payment.domain.errors import (
    Conflict,
    NoSubscription,
    NotFound,
    NotInThisStatus,
    PaymentServiceError,
    SubscriptionExists,
)
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.plan import Plan
from shothik_payment.domain.model.subscription import Subscription, SubscriptionStatus
from shothik_payment.domain.model.web_session import Realm
from shothik_payment.domain.use_cases.offers import Choice
from shothik_payment.domain.use_cases.subscription_preview import Preview
from shothik_payment.domain.use_cases.subscription_view import SubscriptionView
from shothik_payment.entrypoints.account.paying import (
    WAY,
    Ways,
    checkout_of,
    onward,
    require_initiate,
    return_address,
    ways_of,
)
from shothik_payment.entrypoints.account.plan import running
from shothik_payment.entrypoints.http import fields as f
from shothik_payment.entrypoints.http.validation import QueryReader
from shothik_payment.entrypoints.pages.actions import Action, action_handlers
from shothik_payment.entrypoints.pages.figures import money
from shothik_payment.entrypoints.pages.visits import Submitted, Visit


class Shown(Struct):
    """What the page said is due at once, in minor units of `currency`; absent: nothing."""

    due: f.Amount | None = None
    currency: f.Currency | None = None


SHOWN = QueryReader(Shown)


def plan_page(visit: Visit, done: str | None = None) -> str:
    return f"/{visit.realm}/plan" + (f"?done={done}" if done else "")


def after(visit: Visit, view: SubscriptionView, done: str) -> str:
    """The page to go on to: the gateway's, where something is to be paid there."""
    if view.payment is None:
        return plan_page(visit, done)
    if checkout_of(view.payment) is None:
        return plan_page(visit, "charging")
    return onward(visit, view.payment)


def _plan_of(visit: Visit) -> Plan:
    plan_id = visit.call.path_name("plan")
    plan = visit.app.catalog.billing.plans.get(plan_id)
    if plan is None:
        raise NotFound("plan", plan_id)
    return plan


async def _foreseen(
    visit: Visit, plan: Plan, choice: Choice, found: Subscription | None, *, begin: bool
) -> tuple[Preview | None, PaymentServiceError | None]:
    """What would come of it, or what it would be refused with. What waits for its first payment
    is not changed, but it may be begun again."""
    waits = found is not None and found.status is SubscriptionStatus.INCOMPLETE
    if found is not None and begin and not waits:
        return None, SubscriptionExists(found.id, found.terms.plan, found.status.value)
    if found is not None and waits and not begin:
        return None, NotInThisStatus(found.status.value, "It is paid first, or another is begun.")
    if found is None and not begin:
        return None, NoSubscription()
    try:
        return await visit.app.subscriptions.preview(visit.user_id, plan.id, choice), None
    except PaymentServiceError as refusal:
        return None, refusal


def shown(due: Money | None) -> dict[str, str]:
    """What the form has to send back of what its page says is due; see `Shown`."""
    return {} if due is None else {"due": str(due.amount_minor), "currency": due.currency}


def require_shown(said: Shown, due: Money | None) -> None:
    """A renewal may fall between the page and its button. Raises Conflict where more is due by now
    than the page said."""
    if due is None:
        return
    if said.currency != due.currency or (said.due or 0) < due.amount_minor:
        raise Conflict(f"{money(due)} is due by now, which is not what the page said before.")


async def _choose(visit: Visit, *, begin: bool) -> Action[Shown]:
    plan, wanted = _plan_of(visit), visit.query(WAY)
    found = running(await visit.app.subscriptions.current(visit.user_id))
    ways = ways_of(visit, plan.prices, wanted)
    if not begin and found is not None and found.gateway is not None:
        # What is paid for stays with its gateway and its currency.
        ways = Ways((), found.currency, (), found.gateway)
    back = return_address(visit)
    choice = Choice(ways.gateway, ways.currency, back, back)
    preview, refusal = await _foreseen(visit, plan, choice, found, begin=begin)

    async def work(sent: Submitted[Shown]) -> str:
        if preview is not None:  # else it is refused, or was done by this very form
            require_shown(sent.fields, preview.due)
        await require_initiate(visit)
        use = visit.app.subscriptions
        do = use.subscribe if begin else use.change
        view = await do(visit.user_id, plan.id, choice, sent.request)
        # Sent again, it may have been declined or replaced since.
        now = running(view)
        if view.payment is None and (now is None or plan.id not in (now.terms.plan, now.next_plan)):
            return plan_page(visit)
        return after(visit, view, "begun" if begin else "changed")

    due = None if preview is None else preview.due
    waits = found is not None and found.status is SubscriptionStatus.INCOMPLETE
    other = found is not None and found.terms.plan != plan.id
    does = "Begin" if begin else "Change to" if other else "Keep"
    title = f"{does} {plan.terms.title}"
    return Action(
        here="Plan",
        title=title,
        summary=(),
        confirm=_button(title, preview),
        back=plan_page(visit),
        reader=SHOWN,
        operation="POST /subscriptions" if begin else "PATCH /subscriptions/current",
        # Not what came of the wish: a repeat may find other ways.
        subject=f"{visit.user_id}\n{plan.id}\n{wanted.currency}\n{wanted.gateway}",
        work=work,
        hidden=shown(due),
        template="account/choose.html",
        context={
            "plan": plan,
            "ways": ways,
            "preview": preview,
            "found": None if waits else found,
            "dropped": found if waits and other else None,
            "begin": begin,
        },
        refusal=refusal,
    )


def _button(title: str, preview: Preview | None) -> str:
    due = None if preview is None else preview.due
    return title if due is None else f"{title} for {money(due)}"


HANDLERS = [
    *action_handlers(Realm.ACCOUNT, "/plan/begin/{plan:str}", partial(_choose, begin=True)),
    *action_handlers(Realm.ACCOUNT, "/plan/change/{plan:str}", partial(_choose, begin=False)),
]
