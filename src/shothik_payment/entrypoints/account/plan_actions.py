"""What users do with the plan that they have: end it, take that back, pause, go on, pay."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from shothik_payment.domain.errors import (
    NoSubscription,
    NotInThisStatus,
    PaymentServiceError,
)
from shothik_payment.domain.ledger.coming_terms import not_sold
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.plan import Terms
from shothik_payment.domain.model.subscription import SubscriptionStatus as S
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.model.web_session import Realm
from shothik_payment.domain.use_cases.offers import Choice
from shothik_payment.domain.use_cases.subscription_view import SubscriptionView
from shothik_payment.entrypoints.account.paying import require_initiate, return_address
from shothik_payment.entrypoints.account.plan import possible, running
from shothik_payment.entrypoints.account.plan_choice import (
    SHOWN,
    Shown,
    after,
    plan_page,
    require_shown,
    shown,
)
from shothik_payment.entrypoints.http.validation import QueryReader
from shothik_payment.entrypoints.pages.actions import Action, Field, action_handlers
from shothik_payment.entrypoints.pages.figures import money, number
from shothik_payment.entrypoints.pages.plans import Standing, standing_shown
from shothik_payment.entrypoints.pages.visits import NOTHING, Nothing, Submitted, Visit

_When = Annotated[Literal["end", "now"], Meta(extra={"expected": "end or now"})]
_CHANGE = "PATCH /subscriptions/current"


class CancelForm(Struct):
    """`shown`: how the subscription stood when the page told of it."""

    when: _When
    shown: Standing | None = None


_CANCEL = QueryReader(CancelForm)
_WHEN: Field = {
    "name": "when",
    "label": "When",
    "options": [("end", "At the end of the period"), ("now", "Now")],
}
# Nothing is chosen: who comes back to this page has perhaps chosen the period's end before.
_NOW_ONLY: Field = {**_WHEN, "options": [("", "Choose one"), ("now", "Now")], "required": True}


def _common(
    visit: Visit,
    does: str,
    view: SubscriptionView,
    only: tuple[S, str] | None = None,
    coming: Terms | None = None,
) -> dict[str, Any]:
    """`does` tells what is done by one method and route; `only`: the one status that it is for,
    and what is said in others. With it, `coming`: what begins by it, None: that is not sold."""
    return {
        "here": "Plan",
        "back": plan_page(visit),
        "subject": f"{visit.user_id}\n{does}",
        "refusal": _refusal(view, only, coming),
    }


def _refusal(
    view: SubscriptionView, only: tuple[S, str] | None, coming: Terms | None
) -> PaymentServiceError | None:
    found = running(view)
    if found is None:
        return NoSubscription()
    if only is None:
        return None
    if found.status is only[0]:
        return not_sold(found) if coming is None else None
    return NotInThisStatus(found.status.value, only[1])


def _credits_that_end(wallet: Wallet) -> int:
    """What is left of the subscription's own."""
    found = wallet.subscription
    own = [g for g in wallet.grants if found is not None and g.subscription_id == found.id]
    return sum(grant.available for grant in own)


async def _cancel(visit: Visit) -> Action[CancelForm]:
    wallet = await visit.app.wallet_views.wallet(visit.user_id)
    view = await visit.app.subscriptions.current(visit.user_id)
    later = possible(view).cancel_later

    async def work(sent: Submitted[CancelForm]) -> str:
        now = sent.fields.when == "now"
        await visit.app.subscriptions.cancel(
            visit.user_id,
            now=now,
            only_at_end=not now,
            shown=sent.fields.shown,
            request=sent.request,
        )
        return plan_page(visit, "cancelled" if now else "ending")

    left = _credits_that_end(wallet)
    ends = "The plan ends now."
    if left:
        ends = f"The plan ends now, and with it the {number(left)} credits that are left of it."
    at_end = (
        "At the end of the period: you keep the plan and its credits until then, and can take the "
        "cancellation back."
    )
    title = "Cancel the plan" if later else "End the plan now"
    return Action(
        title=title,
        summary=[
            "Nothing more is charged.",
            *([at_end, f"Now: {ends[0].lower()}{ends[1:]}"] if later else [ends]),
            "Nothing is paid back by it. Credits that you have bought stay.",
        ],
        fields=[_WHEN if later else _NOW_ONLY],
        hidden=standing_shown(wallet),
        confirm=title,
        danger=True,
        reader=_CANCEL,
        operation="DELETE /subscriptions/current",
        work=work,
        **_common(visit, "cancel", view),
    )


def _button(
    common: dict[str, Any],
    work: Callable[[Submitted[Nothing]], Awaitable[str]],
    *,
    title: str,
    summary: str,
    confirm: str,
    operation: str = _CHANGE,
) -> Action[Nothing]:
    return Action(
        title=title,
        summary=[summary],
        confirm=confirm,
        reader=NOTHING,
        operation=operation,
        work=work,
        **common,
    )


async def _keep(visit: Visit) -> Action[Nothing]:
    view = await visit.app.subscriptions.current(visit.user_id)

    async def work(sent: Submitted[Nothing]) -> str:
        await visit.app.subscriptions.keep(visit.user_id, sent.request)
        return plan_page(visit, "kept")

    return _button(
        _common(visit, "keep", view),
        work,
        title="Keep the plan as it is",
        summary="What was to change does not: the plan goes on, and renews at the end of its "
        "period.",
        confirm="Keep the plan",
    )


async def _pause(visit: Visit) -> Action[Nothing]:
    view = await visit.app.subscriptions.current(visit.user_id)

    async def work(sent: Submitted[Nothing]) -> str:
        await visit.app.subscriptions.pause(visit.user_id, sent.request)
        return plan_page(visit, "pausing")

    return _button(
        _common(visit, "pause", view),
        work,
        title="Pause the plan",
        summary="You keep the plan until the end of its period. Then nothing is charged, and you "
        "have what everybody has, until you resume.",
        confirm="Pause the plan",
    )


async def _paid_here(visit: Visit) -> Choice:
    """Raises RateLimited where too many payments were begun."""
    await require_initiate(visit)
    back = return_address(visit)
    return Choice(success_url=back, cancel_url=back)


def _next_period(view: SubscriptionView, status: S) -> tuple[Terms | None, Money | None]:
    """What the next period is had on, and what who has a subscription of this status pays for it
    now; None: nothing."""
    found, coming = view.subscription, view.coming
    if found is None or found.status is not status:
        return coming, None
    return coming, coming.price if coming is not None and coming.price_minor else None


async def _resume(visit: Visit) -> Action[Shown]:
    view = await visit.app.subscriptions.current(visit.user_id)
    coming, due = _next_period(view, S.PAUSED)
    only = S.PAUSED, "The subscription is not paused."

    async def work(sent: Submitted[Shown]) -> str:
        require_shown(sent.fields, due)
        choice = await _paid_here(visit)
        resumed = await visit.app.subscriptions.resume(visit.user_id, choice, sent.request)
        return after(visit, resumed, "resumed")

    summary = ["The plan goes on, and nothing is charged for it now."]
    if coming is not None and due is not None:
        summary = [
            f"A new period of {coming.title} begins, with {number(coming.credits)} credits, for "
            f"{money(due)}.",
            "A payment method on file is charged at once. Else you are led to where you can pay.",
        ]
    return Action(
        title="Resume the plan",
        summary=summary,
        confirm="Resume the plan" if due is None else f"Resume the plan for {money(due)}",
        reader=SHOWN,
        operation=_CHANGE,
        hidden=shown(due),
        work=work,
        **_common(visit, "resume", view, only, coming),
    )


async def _pay(visit: Visit) -> Action[Nothing]:
    view = await visit.app.subscriptions.current(visit.user_id)
    coming, due = _next_period(view, S.PAST_DUE)
    what = "Your plan could not be renewed."
    if due is not None:
        what = f"Your plan could not be renewed, which costs {money(due)}."

    async def work(sent: Submitted[Nothing]) -> str:
        choice = await _paid_here(visit)
        paid = await visit.app.subscriptions.pay(visit.user_id, choice, sent.request)
        return after(visit, paid, "paid")

    return _button(
        _common(visit, "pay", view, (S.PAST_DUE, "No renewal is due."), coming),
        work,
        title="Pay the renewal",
        summary=f"{what} You are led to where you can pay with another "
        "card or account; once it is paid, the plan goes on as before.",
        confirm="Go on to pay",
        operation="POST /subscriptions/current/pay",
    )


HANDLERS = [
    *action_handlers(Realm.ACCOUNT, "/plan/cancel", _cancel),
    *action_handlers(Realm.ACCOUNT, "/plan/keep", _keep),
    *action_handlers(Realm.ACCOUNT, "/plan/pause", _pause),
    *action_handlers(Realm.ACCOUNT, "/plan/resume", _resume),
    *action_handlers(Realm.ACCOUNT, "/plan/pay", _pay),
]
