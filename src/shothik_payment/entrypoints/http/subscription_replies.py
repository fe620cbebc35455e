"""What users and admins get about subscriptions."""

from __future__ import annotations

from typing import Literal

from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import OPEN_STATUSES, Payment
from shothik_payment.domain.model.plan import Terms
from shothik_payment.domain.model.subscription import (
    Subscription,
    SubscriptionStatus,
    SubscriptionStep,
)
from shothik_payment.domain.use_cases.subscription_preview import Preview
from shothik_payment.domain.use_cases.subscription_view import SubscriptionView
from shothik_payment.entrypoints.http.replies import Next, PriceView, Reply, Time, View
from shothik_payment.entrypoints.http.times import optional_rfc3339, rfc3339


class AwaitedPaymentView(View, kw_only=True, frozen=True):
    id: str
    paid_for: Literal["start", "renewal", "upgrade"]
    status: str


class OwnSubscriptionView(View, kw_only=True, frozen=True):
    """`id` null: there is none, and these are the terms that hold without one. `price` null:
    nothing is paid. `nextPlan`: from the next period on. `payment`: the one that it waits for.
    `trialEndsAt` only in the trial."""

    id: str | None
    plan: str
    title: str
    status: Literal[
        "incomplete", "trialing", "active", "past_due", "paused", "cancelled", "expired"
    ]
    current_period_start: Time | None
    current_period_end: Time | None
    cancel_at_period_end: bool
    pause_at_period_end: bool
    next_plan: str | None
    price: PriceView | None
    credits: int
    interval: Literal["month", "year"]
    gateway: str | None
    created_at: Time | None
    ended_at: Time | None
    trial_ends_at: Time | None
    payment: AwaitedPaymentView | None


class SubscriptionReply(Reply, kw_only=True, frozen=True):
    """`paymentUrl`: where the payer pays what is due; null: nothing is, or it is being charged."""

    subscription: OwnSubscriptionView
    payment_url: str | None


class CurrentSubscriptionReply(SubscriptionReply, kw_only=True, frozen=True):
    """`last`: the one that has ended, where there is no other by now."""

    last: OwnSubscriptionView | None


class PreviewView(View, kw_only=True, frozen=True):
    """`due` now (null: nothing) for `credits` now; the plan holds from `effectiveAt`; `renewal` is
    paid at `renewsAt`."""

    plan: str
    effective_at: Time
    due: PriceView | None
    credits: int
    renews_at: Time
    renewal: PriceView | None


class PreviewReply(Reply, kw_only=True, frozen=True):
    preview: PreviewView


class SubscriptionStepView(View, kw_only=True, frozen=True):
    """Something that happened; the rest is as it was after it."""

    number: int
    at: Time
    kind: str
    subscription_id: str
    plan: str
    status: str
    current_period_start: Time
    current_period_end: Time
    payment_id: str | None
    reason: str | None


class SubscriptionHistoryReply(Reply, kw_only=True, frozen=True):
    history: list[SubscriptionStepView]
    next: Next | None


def subscription_reply(view: SubscriptionView) -> SubscriptionReply:
    """Of a write: the subscription as it is after it, also where it has ended."""
    if view.subscription is None:
        raise RuntimeError("a subscription was changed, and is not there")
    return SubscriptionReply(
        subscription=_own(view.subscription, view), payment_url=_payment_url(view.payment)
    )


def current_reply(view: SubscriptionView, free: Terms) -> CurrentSubscriptionReply:
    """`free`: what a user without a subscription has."""
    found = view.subscription
    if found is None or found.ended:
        last = None if found is None else _own(found, view)
        return CurrentSubscriptionReply(subscription=_none(free), payment_url=None, last=last)
    return CurrentSubscriptionReply(
        subscription=_own(found, view), payment_url=_payment_url(view.payment), last=None
    )


def preview_reply(preview: Preview) -> PreviewReply:
    return PreviewReply(
        preview=PreviewView(
            plan=preview.plan,
            effective_at=rfc3339(preview.effective_at),
            due=_price(preview.due),
            credits=preview.credits,
            renews_at=rfc3339(preview.renews_at),
            renewal=_price(preview.renewal),
        )
    )


def step_view(step: SubscriptionStep) -> SubscriptionStepView:
    return SubscriptionStepView(
        number=step.number,
        at=rfc3339(step.at),
        kind=step.kind.value,
        subscription_id=step.subscription_id,
        plan=step.plan,
        status=step.status.value,
        current_period_start=rfc3339(step.period_start),
        current_period_end=rfc3339(step.period_end),
        payment_id=step.payment_id,
        reason=step.reason,
    )


def _own(subscription: Subscription, view: SubscriptionView) -> OwnSubscriptionView:
    terms = subscription.terms
    trialing = subscription.status is SubscriptionStatus.TRIALING
    return OwnSubscriptionView(
        id=subscription.id,
        plan=terms.plan,
        title=terms.title,
        status=subscription.status.value,
        current_period_start=rfc3339(subscription.period_start),
        current_period_end=rfc3339(subscription.period_end),
        cancel_at_period_end=view.ends,
        pause_at_period_end=subscription.pause_at_period_end,
        next_plan=subscription.next_plan,
        price=_price(terms.price),
        credits=terms.credits,
        interval=terms.interval.value,
        gateway=subscription.gateway,
        created_at=rfc3339(subscription.created_at),
        ended_at=optional_rfc3339(subscription.ended_at),
        trial_ends_at=rfc3339(subscription.period_end) if trialing else None,
        payment=_awaited(subscription, view.payment),
    )


def _none(free: Terms) -> OwnSubscriptionView:
    return OwnSubscriptionView(
        id=None,
        plan=free.plan,
        title=free.title,
        status="active",
        current_period_start=None,
        current_period_end=None,
        cancel_at_period_end=False,
        pause_at_period_end=False,
        next_plan=None,
        price=None,
        credits=free.credits,
        interval=free.interval.value,
        gateway=None,
        created_at=None,
        ended_at=None,
        trial_ends_at=None,
        payment=None,
    )


def _awaited(subscription: Subscription, payment: Payment | None) -> AwaitedPaymentView | None:
    if payment is None or subscription.awaited is None:
        return None
    return AwaitedPaymentView(
        id=payment.id,
        paid_for=subscription.awaited.paid_for.value,
        status=payment.status.value,
    )


def _payment_url(payment: Payment | None) -> str | None:
    if payment is None or payment.off_session or payment.status not in OPEN_STATUSES:
        return None
    return payment.payment_url


def _price(price: Money | None) -> PriceView | None:
    if price is None:
        return None
    return PriceView(currency=price.currency, amount_minor=price.amount_minor)
