"""What bKash says of a checkout, as a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from shothik_payment.adapters.bkash import answers
from shothik_payment.adapters.bkash.formats import amount, moment
from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.model.time import HOUR, Millis
from shothik_payment.domain.ports.gateway import GatewayReport, GatewayState

log = structlog.get_logger(__name__)

SESSION_LIFE_MS = 24 * HOUR
PAYER_NEEDED = "payer_needed"

_AGREEMENT_MODE = "0000"
_STATES = {
    "initiated": GatewayState.OPEN,
    "pending": GatewayState.AUTHORISED,
    "processing": GatewayState.AUTHORISED,
    "authorized": GatewayState.AUTHORISED,
    "authorised": GatewayState.AUTHORISED,
    "completed": GatewayState.PAID,
    "refunded": GatewayState.PAID,
    "partially refunded": GatewayState.PAID,
    "reversed": GatewayState.PAID,
    "failed": GatewayState.FAILED,
    "failure": GatewayState.FAILED,
    "declined": GatewayState.FAILED,
    "cancelled": GatewayState.CANCELLED,
    "canceled": GatewayState.CANCELLED,
    "expired": GatewayState.EXPIRED,
}
_RETURNED = ("refunded", "partially refunded", "reversed")


def is_agreement(fields: Mapping[str, Any]) -> bool:
    """The session is about an agreement: no money moves in it."""
    told = "agreementStatus" in fields and "transactionStatus" not in fields
    return told or fields.get("mode") == _AGREEMENT_MODE


def agreement_made(fields: Mapping[str, Any]) -> str | None:
    """bKash's id of an agreement that the payer has made."""
    made = fields.get("agreementID")
    done = _word(fields, "agreementStatus") == "completed"
    return made if done and isinstance(made, str) and made else None


def money_returned(fields: Mapping[str, Any]) -> bool:
    return _word(fields, "transactionStatus") in _RETURNED


def report(payment: Payment, fields: Mapping[str, Any], now: Millis) -> GatewayReport:
    """Raises Unavailable where it cannot be understood."""
    session_id = payment.session_id or str(fields.get("paymentID") or "") or None
    invoice = fields.get("merchantInvoice") or fields.get("merchantInvoiceNumber")
    payment_id = invoice if isinstance(invoice, str) else payment.id
    state = _state(fields)
    if state is GatewayState.PAID:
        reference = fields.get("trxID")
        if not isinstance(reference, str) or not reference:
            raise Unavailable("bKash tells of a payment without its transaction.")
        return GatewayReport(
            payment_id, session_id, state, paid=amount(fields), reference=reference
        )
    if state is GatewayState.OPEN and now - _begun_at(payment, fields) > SESSION_LIFE_MS:
        state = GatewayState.EXPIRED
    failure = "bkash_failed" if state is GatewayState.FAILED else None
    return GatewayReport(payment_id, session_id, state, failure_code=failure)


def refused(payment: Payment, session_id: str | None, code: str) -> GatewayReport:
    """The report after bKash answered an execute with this code, or a create: then there is no
    session."""
    session_id = payment.session_id or session_id
    if code == answers.NOT_APPROVED:
        return GatewayReport(payment.id, session_id, GatewayState.OPEN)
    if code == answers.CANCELLED:
        return GatewayReport(payment.id, session_id, GatewayState.CANCELLED)
    state = GatewayState.EXPIRED if code in answers.EXPIRED else GatewayState.FAILED
    return GatewayReport(payment.id, session_id, state, failure_code=f"bkash_{code}")


def _state(fields: Mapping[str, Any]) -> GatewayState:
    if is_agreement(fields):
        state = _STATES.get(_word(fields, "agreementStatus"), GatewayState.OPEN)
        # An agreement that is made is not paid yet.
        return GatewayState.OPEN if state is GatewayState.PAID else state
    word = _word(fields, "transactionStatus")
    if not word:
        raise Unavailable("bKash tells nothing of the checkout.")
    if word not in _STATES:
        log.warning("bKash tells a status that is not known", status=word[:40])
    return _STATES.get(word, GatewayState.OPEN)


def _word(fields: Mapping[str, Any], name: str) -> str:
    return str(fields.get(name, "")).strip().lower()


def _begun_at(payment: Payment, fields: Mapping[str, Any]) -> Millis:
    for name in ("paymentCreateTime", "createTime", "agreementCreateTime"):
        at = moment(fields.get(name))
        if at is not None:
            return at
    return payment.created_at
