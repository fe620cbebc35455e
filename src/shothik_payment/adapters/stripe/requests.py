"""What Stripe is asked for. The same payment gives the same parameters, since Stripe refuses an
idempotency key that comes with others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from shothik_payment.adapters.stripe.amounts import to_stripe
from shothik_payment.adapters.stripe.reports import PAYMENT_ID, REFUND_ID
from shothik_payment.adapters.stripe.webhooks import OFF_SESSION
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import Payment, Refund
from shothik_payment.domain.model.time import HOUR, MINUTE, SECOND, Millis

if TYPE_CHECKING:
    from stripe.params import PaymentIntentCreateParams, RefundCreateParams
    from stripe.params.checkout import SessionCreateParams

_OPEN_MS = 24 * HOUR - 5 * MINUTE
_SHORTEST_MS = 35 * MINUTE
"""Stripe takes 30 minutes to 24 hours by its own clock, which need not be ours."""
_REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def session_params(
    payment: Payment, customer: str | None, fallback_url: str, now: Millis
) -> SessionCreateParams:
    amount, currency = to_stripe(payment.price)
    metadata = {PAYMENT_ID: payment.id}
    ends = max(min(payment.created_at, now) + _OPEN_MS, now + _SHORTEST_MS)
    params: SessionCreateParams = {
        "mode": "payment",
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": currency,
                    "unit_amount": amount,
                    "product_data": {"name": f"{payment.credits:,} credits"},
                },
            }
        ],
        "client_reference_id": payment.id,
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata},
        "success_url": payment.success_url or fallback_url,
        "expires_at": ends // SECOND,
    }
    if payment.cancel_url is not None:
        params["cancel_url"] = payment.cancel_url
    if customer is not None:
        params["customer"] = customer
        params["payment_intent_data"]["setup_future_usage"] = "off_session"
    return params


def charge_params(payment: Payment, customer: str, method: str) -> PaymentIntentCreateParams:
    amount, currency = to_stripe(payment.price)
    return {
        "amount": amount,
        "currency": currency,
        "customer": customer,
        "payment_method": method,
        "off_session": True,
        "confirm": True,
        "metadata": {PAYMENT_ID: payment.id, OFF_SESSION: "yes"},
    }


def refund_params(payment: Payment, refund: Refund, intent_id: str) -> RefundCreateParams:
    currency = (payment.paid or payment.price).currency
    params: RefundCreateParams = {
        "payment_intent": intent_id,
        "amount": to_stripe(Money(refund.amount_minor, currency))[0],
        "metadata": {PAYMENT_ID: payment.id, REFUND_ID: refund.id},
    }
    if refund.reason in _REASONS:
        params["reason"] = cast(
            Literal["duplicate", "fraudulent", "requested_by_customer"], refund.reason
        )
    return params
