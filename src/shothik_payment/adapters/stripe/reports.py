"""Stripe's objects, as plain dicts, read as what the port reports. All raise LookupError, TypeError
or ValueError for what is not of Stripe's shape."""

from __future__ import annotations

from typing import Any

from shothik_payment.adapters.stripe.amounts import from_stripe
from shothik_payment.adapters.stripe.errors import code_in
from shothik_payment.domain.model.payment import DisputeState, RefundState
from shothik_payment.domain.ports.gateway import (
    GatewayDispute,
    GatewayRefund,
    GatewayReport,
    GatewayState,
)

Json = dict[str, Any]

PAYMENT_ID = "payment_id"
REFUND_ID = "refund_id"
PAYER_NEEDED = "authentication_required"
_DECLINED = "payment_failed"
_FAILED_INTENTS = frozenset({"requires_payment_method", "canceled"})

_REFUNDS = {
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
    "canceled": RefundState.FAILED,
}
"""All else, pending and requires_action among it, is pending."""
_DISPUTES = {
    "won": DisputeState.WON,
    # An inquiry that never became a dispute: no money was taken.
    "warning_closed": DisputeState.WON,
    "lost": DisputeState.LOST,
}
"""All else is open: inquiries, disputes that wait for an answer or a decision, appeals."""


def our_id(thing: Json) -> str | None:
    """Of the payment that a session, payment intent, charge or refund is for; None: not ours."""
    metadata = thing.get("metadata") or {}
    found = metadata.get(PAYMENT_ID) or thing.get("client_reference_id")
    return found if isinstance(found, str) and found else None


def session_report(session: Json) -> GatewayReport:
    """Without refunds and disputes. `payment_intent` has to be expanded."""
    intent: Json = session["payment_intent"] or {}
    state, failure = _session_state(session, intent)
    paid = state is GatewayState.PAID
    return GatewayReport(
        payment_id=our_id(session) or "",
        session_id=session["id"],
        state=state,
        paid=from_stripe(session["amount_total"], session["currency"]) if paid else None,
        failure_code=failure,
        reference=intent.get("id") if paid else None,
        continue_url=session["url"] if state is GatewayState.OPEN else None,
    )


def _session_state(session: Json, intent: Json) -> tuple[GatewayState, str | None]:
    if session["payment_status"] != "unpaid":
        return GatewayState.PAID, None
    if session["status"] == "expired":
        return GatewayState.EXPIRED, None
    if session["status"] == "open":
        # Whatever was declined in it: the payer may try again.
        return GatewayState.OPEN, None
    if intent.get("status") in _FAILED_INTENTS:
        return GatewayState.FAILED, _failure(intent)
    return GatewayState.AUTHORISED, None


def intent_report(intent: Json) -> GatewayReport:
    """Of a charge without the payer; without refunds and disputes."""
    state, failure = _intent_state(intent)
    paid = state is GatewayState.PAID
    return GatewayReport(
        payment_id=our_id(intent) or "",
        session_id=intent["id"],
        state=state,
        paid=from_stripe(intent["amount_received"], intent["currency"]) if paid else None,
        failure_code=failure,
        reference=intent["id"] if paid else None,
    )


def _intent_state(intent: Json) -> tuple[GatewayState, str | None]:
    status = intent["status"]
    if status == "succeeded":
        return GatewayState.PAID, None
    if status in _FAILED_INTENTS:
        return GatewayState.FAILED, _failure(intent)
    if status == "requires_action":
        return GatewayState.FAILED, PAYER_NEEDED
    return GatewayState.AUTHORISED, None


def _failure(intent: Json) -> str:
    error = intent.get("last_payment_error") or {}
    return code_in(error.get("code"), _DECLINED)


def refund_report(refund: Json) -> GatewayRefund:
    state = _REFUNDS.get(refund["status"], RefundState.PENDING)
    failed = state is RefundState.FAILED
    return GatewayRefund(
        id=refund["id"],
        amount=from_stripe(refund["amount"], refund["currency"]),
        state=state,
        refund_id=(refund.get("metadata") or {}).get(REFUND_ID),
        failure_code=code_in(refund.get("failure_reason"), refund["status"]) if failed else None,
    )


def dispute_report(dispute: Json) -> GatewayDispute:
    state = _DISPUTES.get(dispute["status"], DisputeState.OPEN)
    if dispute["status"] == "prevented":
        # Settled before it became one: by a refund, which is listed as such, or by taking money.
        moved = sum(entry["amount"] for entry in dispute.get("balance_transactions") or ())
        state = DisputeState.LOST if moved < 0 else DisputeState.WON
    return GatewayDispute(dispute["id"], from_stripe(dispute["amount"], dispute["currency"]), state)
