"""What operators do with a user's subscription: extend, cancel, give."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from shothik_payment.domain.errors import NoSubscription, SubscriptionExists
from shothik_payment.domain.model.subscription import SubscriptionStatus
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.entrypoints.http import fields as f
from shothik_payment.entrypoints.http.requests import ExtendSubscriptionBody
from shothik_payment.entrypoints.http.validation import QueryReader
from shothik_payment.entrypoints.pages.figures import number
from shothik_payment.entrypoints.pages.moments import LocalMoment, moment
from shothik_payment.entrypoints.pages.plans import Standing, standing_shown
from shothik_payment.entrypoints.pages.visits import Submitted, Visit
from shothik_payment.entrypoints.panel.actions import REASON, Action, Field, action_handlers
from shothik_payment.entrypoints.panel.user_actions import USER_PATH, user_page, wallet_of

_When = Annotated[Literal["end", "now"], Meta(extra={"expected": "end or now"})]


class CancelForm(Struct, rename="camel", kw_only=True):
    """`shown`: how the subscription stood when the page told of it."""

    when: _When
    reason: f.Reason
    shown: Standing | None = None


class GiveForm(Struct, rename="camel", kw_only=True):
    plan: f.Name
    reason: f.Reason
    ends_at: LocalMoment | None = None


_EXTEND = QueryReader(ExtendSubscriptionBody)
_CANCEL = QueryReader(CancelForm)
_GIVE = QueryReader(GiveForm)


async def _extend(visit: Visit) -> Action[ExtendSubscriptionBody]:
    wallet = await wallet_of(visit)
    user_id, page = wallet.user_id, user_page(visit, wallet.user_id)

    async def work(sent: Submitted[ExtendSubscriptionBody]) -> str:
        await visit.app.subscriptions.extend(
            user_id, sent.fields.days, sent.fields.reason, sent.request
        )
        return f"{page}/subscription?done=extended"

    return Action(
        here="Users",
        title=f"Extend the subscription of {user_id}",
        summary=[
            "The period, its credits and its limits go on for so many days more, and the periods "
            "that follow begin there. Nothing is charged for it."
        ],
        fields=[
            {
                "name": "days",
                "label": "Days",
                "type": "number",
                "required": True,
                "attributes": {"min": 1, "max": 366, "autocomplete": "off"},
            },
            REASON,
        ],
        confirm="Extend the period",
        refusal=_missing(wallet),
        back=f"{page}/subscription",
        reader=_EXTEND,
        operation="POST /admin/users/{id}/subscription/extend",
        subject=user_id,
        work=work,
    )


async def _cancel(visit: Visit) -> Action[CancelForm]:
    wallet = await wallet_of(visit)
    user_id, page = wallet.user_id, user_page(visit, wallet.user_id)

    async def work(sent: Submitted[CancelForm]) -> str:
        now = sent.fields.when == "now"
        reason, request = sent.fields.reason, sent.request
        await visit.app.subscriptions.cancel(
            user_id,
            now=now,
            only_at_end=not now,
            shown=sent.fields.shown,
            reason=reason,
            request=request,
        )
        return f"{page}/subscription?done={'cancelled' if now else 'ending'}"

    found = wallet.subscription
    later = found is not None and found.lasts and not found.cancel_at_period_end
    # Nothing is chosen where it ends at once: who comes back has perhaps chosen the end before.
    first = ("end", "At the end of the period") if later else ("", "Choose one")
    when: Field = {
        "name": "when",
        "label": "When",
        "options": [first, ("now", "At once")],
        "required": not later,
        "help": "At once ends the plan and its credits now; nothing is paid back by it.",
    }
    return Action(
        here="Users",
        title=f"Cancel the subscription of {user_id}",
        summary=["It does not renew, and nothing more is charged for it."],
        fields=[when, REASON],
        hidden=standing_shown(wallet),
        confirm="Cancel the subscription" if later else "End the subscription now",
        danger=True,
        refusal=_missing(wallet),
        back=f"{page}/subscription",
        reader=_CANCEL,
        operation="POST /admin/users/{id}/subscription/cancel",
        subject=user_id,
        work=work,
    )


async def _give(visit: Visit) -> Action[GiveForm]:
    wallet = await wallet_of(visit)
    user_id, page = wallet.user_id, user_page(visit, wallet.user_id)

    async def work(sent: Submitted[GiveForm]) -> str:
        ends_at = moment("endsAt", sent.fields.ends_at, visit.form_zone)
        await visit.app.subscriptions.grant(
            user_id, sent.fields.plan, sent.fields.reason, ends_at, sent.request
        )
        return f"{page}/subscription?done=given"

    return Action(
        here="Users",
        title=f"Give {user_id} a plan",
        summary=["The plan begins now with its credits and limits, unpaid, and does not renew."],
        fields=[_plans(visit), REASON, _UNTIL],
        confirm="Give the plan",
        refusal=_in_the_way(wallet),
        back=f"{page}/subscription",
        reader=_GIVE,
        operation="POST /admin/users/{id}/subscription/grant",
        subject=user_id,
        work=work,
    )


def _missing(wallet: Wallet) -> NoSubscription | None:
    found = wallet.subscription
    return NoSubscription() if found is None or found.ended else None


def _in_the_way(wallet: Wallet) -> SubscriptionExists | None:
    found = wallet.subscription
    if found is None or found.ended or found.status is SubscriptionStatus.INCOMPLETE:
        return None
    return SubscriptionExists(found.id, found.terms.plan, found.status)


def _plans(visit: Visit) -> Field:
    plans = visit.app.catalog.billing.plans.values()
    options = [
        (plan.id, f"{plan.terms.title} · {number(plan.terms.credits)} credits a "
         f"{plan.terms.interval}") for plan in plans if not plan.free
    ]  # fmt: skip
    return {"name": "plan", "label": "Plan", "options": options, "required": True}


_UNTIL: Field = {
    "name": "endsAt",
    "label": "Until",
    "type": "datetime-local",
    "help": "Blank: one period of the plan.",
}


HANDLERS = [
    *action_handlers(f"{USER_PATH}/subscription/extend", _extend),
    *action_handlers(f"{USER_PATH}/subscription/cancel", _cancel),
    *action_handlers(f"{USER_PATH}/subscription/give", _give),
]
