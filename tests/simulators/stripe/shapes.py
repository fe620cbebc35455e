"""Stripe's JSON, with the fields that integrations look at."""

from __future__ import annotations

import secrets
import time
from typing import Any
from urllib.parse import parse_qsl

Json = dict[str, Any]

CARD_NUMBER = "4242424242424242"
PAYER = {"email": "payer@example.com", "name": "Planted Payer", "phone": "+8801700000000"}
"""Must be found nowhere but at Stripe."""


SECRET_KEY_VARIABLE = "SIMULATOR_SECRET_KEY"
"""The environment variable with the only key that the simulator lets in."""


class Refusal(Exception):
    """An error envelope."""

    def __init__(
        self,
        message: str,
        code: str | None = None,
        param: str | None = None,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        told = {"type": kind, "message": message, "code": code, "param": param, **more}
        self.body: Json = {"error": {k: v for k, v in told.items() if v is not None}}


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(12)}"


def nested(form: str) -> Json:
    """`a[b][0]=c` as `{"a": {"b": ["c"]}}`."""
    root: Json = {}
    for name, value in parse_qsl(form, keep_blank_values=True):
        *path, last = name.replace("]", "").split("[")
        place = root
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return {name: _listed(value) for name, value in root.items()}


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(part) for name, part in value.items()}
    return list(inner.values()) if all(name.isdigit() for name in inner) else inner


def session(params: Json, amount: int, currency: str) -> Json:
    session_id = new_id("cs_test")
    now = int(time.time())
    return {
        "id": session_id,
        "object": "checkout.session",
        "amount_subtotal": amount,
        "amount_total": amount,
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "created": now,
        "currency": currency,
        "customer": params.get("customer"),
        "customer_details": None,
        "expires_at": int(params.get("expires_at", now + 86_400)),
        "livemode": False,
        "metadata": params.get("metadata", {}),
        "mode": "payment",
        "payment_intent": None,
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "status": "open",
        "success_url": params["success_url"],
        "url": f"https://checkout.stripe.com/c/pay/{session_id}",
    }


def payment_intent(amount: int, currency: str, metadata: Json, **fields: Any) -> Json:
    intent_id = new_id("pi")
    return {
        "id": intent_id,
        "object": "payment_intent",
        "amount": amount,
        "amount_received": 0,
        "client_secret": f"{intent_id}_secret_planted",
        "created": int(time.time()),
        "currency": currency,
        "customer": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": metadata,
        "payment_method": None,
        "setup_future_usage": None,
        "status": "requires_payment_method",
        **fields,
    }


def charge(intent: Json) -> Json:
    return {
        "id": new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"],
        "amount_refunded": 0,
        "billing_details": PAYER,
        "captured": True,
        "created": int(time.time()),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "disputed": False,
        "livemode": False,
        # Copied when the charge is made.
        "metadata": dict(intent["metadata"]),
        "paid": True,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "payment_method_details": {"card": {"brand": "visa", "last4": "4242"}, "type": "card"},
        "refunded": False,
        "status": "succeeded",
    }


def payment_method(customer: str | None) -> Json:
    return {
        "id": new_id("pm"),
        "object": "payment_method",
        "billing_details": PAYER,
        "card": {"brand": "visa", "exp_month": 12, "exp_year": 2034, "last4": CARD_NUMBER[-4:]},
        "created": int(time.time()),
        "customer": customer,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }


def customer(params: Json) -> Json:
    return {
        "id": new_id("cus"),
        "object": "customer",
        "created": int(time.time()),
        "email": None,
        "livemode": False,
        "metadata": params.get("metadata", {}),
    }


def refund(intent: Json, amount: int, status: str, params: Json) -> Json:
    return {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "charge": intent["latest_charge"],
        "created": int(time.time()),
        "currency": intent["currency"],
        "metadata": params.get("metadata", {}),
        "payment_intent": intent["id"],
        "reason": params.get("reason"),
        "status": status,
    }


def dispute(intent: Json, amount: int, status: str) -> Json:
    return {
        "id": new_id("du"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": intent["latest_charge"],
        "created": int(time.time()),
        "currency": intent["currency"],
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": intent["id"],
        "reason": "fraudulent",
        "status": status,
    }


def event(kind: str, thing: Json, api_version: str) -> Json:
    return {
        "id": new_id("evt"),
        "object": "event",
        "api_version": api_version,
        "created": int(time.time()),
        "data": {"object": thing},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }
