"""Stripe's webhooks: whether they are Stripe's, and what they are about."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence

import stripe

from shothik_payment.adapters.stripe.reports import Json, our_id
from shothik_payment.domain.errors import InvalidRequest, Unauthenticated
from shothik_payment.domain.model.time import SECOND, Millis
from shothik_payment.domain.ports.gateway import Notification

log = logging.getLogger(__name__)

HEADER = "stripe-signature"
TOLERANCE_SECONDS = 300
OFF_SESSION = "off_session"
"""In the metadata of what was charged without the payer, and so without a session."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")
_TIME = re.compile(r"t=([1-9]\d{0,11})")
_SESSIONS = frozenset(
    f"checkout.session.{what}"
    for what in ("completed", "async_payment_succeeded", "async_payment_failed", "expired")
)
_INTENTS = frozenset({"payment_intent.succeeded", "payment_intent.payment_failed"})
_MONEY = frozenset(
    {
        "refund.created",
        "refund.updated",
        "refund.failed",
        "charge.refunded",
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
    }
)


def require_signature(
    body: bytes, headers: dict[str, str], secrets: Sequence[str], at: Millis
) -> None:
    """By one of the secrets, at most five minutes ago or ahead. Raises Unauthenticated, and
    InvalidRequest for a body that is not UTF-8, which Stripe never signs."""
    header = headers.get(HEADER, "")
    # Exactly one time, so that ours is the one that the SDK takes as signed.
    times = [item for item in header.split(",") if item.split("=")[0].strip() == "t"]
    signed_at = _TIME.fullmatch(times[0]) if len(times) == 1 else None
    # The SDK cannot compare what is not ASCII.
    if signed_at is None or not header.isascii():
        raise Unauthenticated("The signature is missing or malformed.")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise InvalidRequest.of("body", "UTF-8") from None
    if not any(_fits(text, header, secret) for secret in secrets):
        raise Unauthenticated("The signature does not fit the body.")
    # The SDK believes any time to come, and its own clock.
    if abs(at - int(signed_at[1]) * SECOND) > TOLERANCE_SECONDS * SECOND:
        raise Unauthenticated("The signature is too old, or from the future.")


def _fits(text: str, header: str, secret: str) -> bool:
    try:
        return bool(stripe.WebhookSignature.verify_header(text, header, secret))
    except stripe.SignatureVerificationError:
        return False


def read_event(body: bytes, livemode: bool) -> Notification | None:
    """None: of no interest. Raises InvalidRequest."""
    try:
        event = json.loads(body)
        if event["object"] != "event":
            raise InvalidRequest.of("body", "a snapshot event, no thin one")
        event_id, kind, thing = event["id"], event["type"], event["data"]["object"]
        if not isinstance(thing, dict) or not isinstance(kind, str) or _id(event_id) is None:
            raise InvalidRequest.of("body", "an event")
        if event["livemode"] is not livemode:
            log.warning("a webhook of Stripe's other mode was left alone: %s", event_id)
            return None
        return _notification(event_id, kind, thing)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise InvalidRequest.of("body", "an event") from None


def _notification(event_id: str, kind: str, thing: Json) -> Notification | None:
    payment_id = _id(our_id(thing))
    if kind in _SESSIONS:
        intent = _id(thing["payment_intent"])
        return Notification(event_id, kind, payment_id, _id(thing["id"]), intent)
    if kind in _INTENTS and OFF_SESSION in thing["metadata"]:
        # Those of sessions are told of with their sessions.
        intent = _id(thing["id"])
        return Notification(event_id, kind, payment_id, session_id=intent, reference=intent)
    if kind in _MONEY and (intent := _id(thing["payment_intent"])) is not None:
        return Notification(event_id, kind, payment_id, reference=intent)
    return None


def _id(found: object) -> str | None:
    return found if isinstance(found, str) and _ID.fullmatch(found) else None
