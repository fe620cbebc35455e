"""One example of each refusal, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from shothik_payment.domain import errors as e
from shothik_payment.entrypoints.http.errors import STATUS, camel

_ENDS_AT = 1_896_091_200_000

_EXAMPLES: tuple[e.PaymentServiceError, ...] = (
    e.InvalidRequest.of("amount", "a whole number from 1 to 1000000000"),
    e.Unauthenticated("The API key is revoked."),
    e.InsufficientCredits(
        3, 20, 5, [e.BlockingHold("hold_1a20001k5v8", "research_service", 20, _ENDS_AT)], _ENDS_AT
    ),
    e.Forbidden("The API key may not be used from this address."),
    e.WrongService("paraphrase_service"),
    e.MissingScope("credits:deduct"),
    e.UserFrozen("user_123"),
    e.ServiceNotInPlan("slide_service", "lite"),
    e.PlanLimitReached("slide_service", "lite", "count", 50, 49, 1, 1, _ENDS_AT),
    e.NotFound("transaction", "txn_1a20001k5v8"),
    e.NoSubscription(),
    e.Conflict("This payment exists already."),
    e.ApiKeyRevoked("key_01k5v8", _ENDS_AT),
    e.ApiKeyExpired("key_01k5v8", _ENDS_AT),
    e.ApiKeyRotated("key_01k5v8", "key_01k5w2"),
    e.AlreadyReversed("txn_1a20001k5v8", 5),
    e.NotReversible("txn_1a20001k5v0", "grant"),
    e.HoldClosed("hold_1a20001k5v8", "captured"),
    e.HoldExpired("hold_1a20001k5v8", _ENDS_AT),
    e.LimitReached("holds", 1000),
    e.PaymentNotOpen("pay_1a20001k5v8", "paid"),
    e.PaymentNotRefundable("pay_1a20001k5v8", "disputed"),
    e.RefundInProgress("pay_1a20001k5v8", "rfd_1a20001k5v9"),
    e.SubscriptionExists("sub_1a20001k5v8", "pro", "active"),
    e.SubscriptionPaymentOpen("pay_1a20001k5v8"),
    e.NotInThisStatus("past_due", "A renewal is due: it is paid first."),
    e.PayloadTooLarge(65536),
    e.ReversalExceedsTransaction(6, 5),
    e.CaptureExceedsHold(21, 20),
    e.IdempotencyKeyReused(),
    e.GatewayRefused("sandbox", "the amount is too small"),
    e.RefundExceedsPayment(1000, 500, "USD"),
    e.PartialRefundUnsupported("sandbox"),
    e.RateLimited(1000, 3600, 12),
    e.Misconfigured("CATALOG_FILE", "there is no such file"),
    e.StoreCorrupt("the file is not a database"),
    e.Unavailable("The service is busy; try again."),
)

EXAMPLES: dict[type[e.PaymentServiceError], e.PaymentServiceError] = {
    type(example): example for example in _EXAMPLES
}
INTERNAL_ERROR_DETAILS = {"requestId": "4f1c9a52d0b1-2a"}


def failures(errors: set[type[e.PaymentServiceError]]) -> dict[int, dict[str, Any]]:
    """By status, then by code, the bodies that clients see."""
    found: dict[int, dict[str, Any]] = {}
    for kind in STATUS:  # in the table's order, so that the document is always the same
        if kind in errors:
            example = EXAMPLES[kind]
            body = envelope(example.code, example.message, camel(example.details()))
            found.setdefault(STATUS[kind], {})[example.code] = body
    message = "Something went wrong here; it is recorded as 4f1c9a52d0b1-2a."
    found[500] = {"internal_error": envelope("internal_error", message, INTERNAL_ERROR_DETAILS)}
    return found


def envelope(code: str, message: str, details: Any) -> dict[str, Any]:
    return {
        "success": False,
        "message": message,
        "error": {"code": code, "message": message, "details": details},
    }
