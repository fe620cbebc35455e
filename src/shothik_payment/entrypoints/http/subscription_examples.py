"""A subscription as the OpenAPI document shows it."""

from __future__ import annotations

from msgspec import structs

from shothik_payment.entrypoints.http import subscription_replies as r
from shothik_payment.entrypoints.http.replies import PriceView

PRICE = PriceView(currency="USD", amount_minor=1500)
OPEN = r.OwnSubscriptionView(
    id="sub_1a20001k5v8",
    plan="pro",
    title="Pro",
    status="incomplete",
    current_period_start="2030-01-31T12:00:00.000Z",
    current_period_end="2030-02-28T12:00:00.000Z",
    cancel_at_period_end=False,
    pause_at_period_end=False,
    next_plan=None,
    price=PRICE,
    credits=2000,
    interval="month",
    gateway="sandbox",
    created_at="2030-01-31T12:00:00.000Z",
    ended_at=None,
    trial_ends_at=None,
    payment=r.AwaitedPaymentView(id="pay_1a20001k5v9", paid_for="start", status="pending"),
)
DUE = r.SubscriptionReply(
    subscription=OPEN,
    payment_url="http://127.0.0.1:3001/sandbox/checkout/session_abc123",
)
_ACTIVE = structs.replace(OPEN, status="active", payment=None)
ACTIVE = r.SubscriptionReply(subscription=_ACTIVE, payment_url=None)
CANCELLED = r.SubscriptionReply(
    subscription=structs.replace(_ACTIVE, status="cancelled", ended_at="2030-02-14T12:00:00.000Z"),
    payment_url=None,
)
GRANTED = r.SubscriptionReply(
    subscription=structs.replace(_ACTIVE, price=None, gateway=None, cancel_at_period_end=True),
    payment_url=None,
)
CURRENT = r.CurrentSubscriptionReply(subscription=_ACTIVE, payment_url=None, last=None)
PREVIEW = r.PreviewReply(
    preview=r.PreviewView(
        plan="team",
        effective_at="2030-02-14T12:00:00.000Z",
        due=PriceView(currency="USD", amount_minor=1700),
        credits=3000,
        renews_at="2030-02-28T12:00:00.000Z",
        renewal=PriceView(currency="USD", amount_minor=4900),
    )
)
HISTORY = r.SubscriptionHistoryReply(
    history=[
        r.SubscriptionStepView(
            number=2,
            at="2030-01-31T12:05:00.000Z",
            kind="started",
            subscription_id="sub_1a20001k5v8",
            plan="pro",
            status="active",
            current_period_start="2030-01-31T12:05:00.000Z",
            current_period_end="2030-02-28T12:05:00.000Z",
            payment_id="pay_1a20001k5v9",
            reason=None,
        )
    ],
    next=None,
)
