"""What pages say in words where the API has names and codes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from markupsafe import Markup

from shothik_payment.domain.errors import (
    InvalidRequest,
    PaymentServiceError,
    RefundExceedsPayment,
)
from shothik_payment.domain.ledger.takeover import TAKEN_OVER
from shothik_payment.domain.model.money import Money
from shothik_payment.entrypoints.pages.figures import money, words

_LABELS = {
    "allowedIps": "Addresses it may be used from",
    "credits": "Credits",
    "day": "Created on",
    "expiresAt": "Ends",
    "find": "Find a user",
    "from": "From",
    "gateway": "Gateway",
    "graceSeconds": "The old key goes on for",
    "keyIds": "Keys",
    "name": "Name",
    "q": "Name, id or last four",
    "queue": "Queue",
    "rateLimit": "Requests an hour",
    "reason": "Reason",
    "scopes": "What it may do",
    "service": "Service",
    "status": "Status",
    "sure": "I am sure that these are to be told again",
    "to": "To",
    "token": "Token",
    "user": "User",
}
"""Of fields by name, where a form does not say otherwise."""
_PATH = re.compile(r"(\w+)(?:\[(\d+)\])?")

_REASONS = {
    "cancelled": "cancelled",
    "cancelled_at_period_end": "cancelled for the end of the period",
    "next_plan_not_sold": "the plan chosen for the next period is not sold any more as it was",
    "captured_in_part": "less was charged than was held",
    "dispute": "dispute",
    "dispute_lost": "the dispute was lost",
    "dispute_won": "the dispute was won",
    "grant_expired": "reached its end",
    "hold_expired": "the hold ended",
    "not_paid": "not paid",
    "not_paid_in_time": "not paid in time",
    "refund": "refund",
    "refund_failed": "the refund failed",
    "renewal_not_paid": "the renewal was not paid",
    "replaced": "replaced by another",
    TAKEN_OVER: "taken over from the service before",
}


def told(problem: PaymentServiceError, labels: Mapping[str, str]) -> str:
    """Its message, with fields by what stands beside them, and money as pages show it; `labels` by
    field, before those that most forms have."""
    if isinstance(problem, RefundExceedsPayment):
        asked, left = (Money(n, problem.currency) for n in (problem.requested, problem.refundable))
        return f"{money(asked)} is more than the {money(left)} that is left of the payment."
    if not isinstance(problem, InvalidRequest) or not problem.fields:
        return problem.message
    return "; ".join(
        f"{_label(field.path, labels)}: expected {field.expected}" for field in problem.fields
    )


def _label(path: str, labels: Mapping[str, str]) -> str:
    """Of several in one field, with which of them it is."""
    match = _PATH.fullmatch(path)
    label = None if match is None else labels.get(match[1]) or _LABELS.get(match[1])
    if match is None or label is None:
        return path
    return label if match[2] is None else f"{label}, no. {int(match[2]) + 1}"


def code(text: str) -> str:
    """One of ours, or of a gateway, in words."""
    return _REASONS.get(text) or words(text)


def reason(text: str) -> Markup:
    """A code of ours in words; else what somebody wrote, in quotation marks, and such that it turns
    nothing around that follows."""
    said = _REASONS.get(text)
    return Markup("“<bdi>{}</bdi>”").format(text) if said is None else Markup("{}").format(said)
