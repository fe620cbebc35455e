"""How a refusal travels: its status, its envelope, its headers."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from typing import Any, Final

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from shothik_payment.domain import errors as e
from shothik_payment.domain.model.time import Millis
from shothik_payment.entrypoints.http.answers import Answer, encode
from shothik_payment.entrypoints.http.call import Call, call_of
from shothik_payment.entrypoints.http.times import rfc3339

log = structlog.get_logger(__name__)

STATUS: Final[dict[type[e.PaymentServiceError], int]] = {
    e.InvalidRequest: 400,
    e.Unauthenticated: 401,
    e.InsufficientCredits: 402,
    e.Forbidden: 403,
    e.WrongService: 403,
    e.MissingScope: 403,
    e.UserFrozen: 403,
    e.ServiceNotInPlan: 403,
    e.PlanLimitReached: 403,
    e.NotFound: 404,
    e.NoSubscription: 404,
    e.Conflict: 409,
    e.ApiKeyRevoked: 409,
    e.ApiKeyExpired: 409,
    e.ApiKeyRotated: 409,
    e.AlreadyReversed: 409,
    e.NotReversible: 409,
    e.HoldClosed: 409,
    e.HoldExpired: 409,
    e.LimitReached: 409,
    e.PaymentNotOpen: 409,
    e.PaymentNotRefundable: 409,
    e.RefundInProgress: 409,
    e.SubscriptionExists: 409,
    e.SubscriptionPaymentOpen: 409,
    e.NotInThisStatus: 409,
    e.PayloadTooLarge: 413,
    e.ReversalExceedsTransaction: 422,
    e.CaptureExceedsHold: 422,
    e.IdempotencyKeyReused: 422,
    e.GatewayRefused: 422,
    e.RefundExceedsPayment: 422,
    e.PartialRefundUnsupported: 422,
    e.RateLimited: 429,
    e.Misconfigured: 500,
    e.StoreCorrupt: 503,
    e.Unavailable: 503,
}

# What an operator has to see and a client must not: paths, settings, what is broken inside.
_OPAQUE = (e.Misconfigured, e.StoreCorrupt)
_RETRY_CORRUPT_SECONDS = 60

_HTTP_CODES = {
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "payload_too_large",
    429: "rate_limited",
    503: "unavailable",
}
_HTTP_MESSAGES = {404: "There is nothing at this path.", 405: "This path has other methods."}


def failure(call: Call, error: e.PaymentServiceError) -> Answer:
    """The answer to a refusal."""
    if isinstance(error, e.Unavailable):
        call.error = str(error)
    status, error = told(error, call.request_id)
    if status == 500:
        return internal_error(call)
    call.refusal = error.code
    headers = list(_headers(call, error))
    return Answer(_envelope(error.code, error.message, camel(error.details())), status, headers)


def told(
    error: e.PaymentServiceError, request_id: str | None = None
) -> tuple[int, e.PaymentServiceError]:
    """The status, and what a client may see of it; the rest is logged."""
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    if isinstance(error, _OPAQUE):
        log.error("refused", error=str(error), request_id=request_id)
        error = e.Unavailable("The data store is unavailable.", _RETRY_CORRUPT_SECONDS)
    return status, error


def _headers(call: Call, error: e.PaymentServiceError) -> list[tuple[bytes, bytes]]:
    if isinstance(error, e.Unauthenticated) and call.challenge is not None:
        return [(b"www-authenticate", call.challenge)]
    if isinstance(error, e.Unavailable):
        return [(b"retry-after", b"%d" % error.retry_after_seconds)]
    if isinstance(error, e.RateLimited):
        wait = b"%d" % error.retry_after_seconds
        return [
            (b"retry-after", wait),
            (b"ratelimit-limit", b"%d" % error.limit),
            (b"ratelimit-remaining", b"0"),
            (b"ratelimit-reset", wait),
        ]
    return []


def surprise(call: Call, error: Exception) -> Answer:
    """The opaque answer to what nobody expected; its place is logged."""
    log.error(
        "unexpected error",
        request_id=call.request_id,
        method=call.scope.get("method"),
        route=call.scope.get("path_template"),
        exc_info=error,
    )
    return internal_error(call)


def internal_error(call: Call) -> Answer:
    message = f"Something went wrong here; it is recorded as {call.request_id}."
    call.refusal = "internal_error"
    body = _envelope(call.refusal, message, {"requestId": call.request_id})
    return Answer(body, 500)


def _envelope(code: str, message: str, details: Any) -> bytes:
    return encode(
        {
            "success": False,
            "message": message,
            "error": {"code": code, "message": message, "details": details},
        }
    )


_AFTER_UNDERSCORE = re.compile("_([a-z])")


def camel(value: Any, name: str = "") -> Any:
    """Details as clients see them: camelCase; what is named `…_at` is a time."""
    if is_dataclass(value) and not isinstance(value, type):
        value = {f.name: getattr(value, f.name) for f in fields(value)}
    if isinstance(value, dict):
        return {
            _AFTER_UNDERSCORE.sub(lambda m: m.group(1).upper(), key): camel(item, key)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [camel(item) for item in value]
    if name.endswith("_at") and isinstance(value, int):
        return rfc3339(Millis(value))
    return value


# What Litestar catches


def _as_response(answer: Answer) -> Response[bytes]:
    headers = {name.decode(): value.decode("latin-1") for name, value in answer.headers}
    return Response(
        answer.body,
        status_code=answer.status,
        media_type="application/json",
        headers={"cache-control": "no-store", "x-content-type-options": "nosniff", **headers},
    )


def _on_refusal(request: Request[Any, Any, Any], error: e.PaymentServiceError) -> Response[bytes]:
    return _as_response(failure(call_of(request.scope), error))


def _on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Litestar's own refusals: unknown paths, wrong methods, requests it cannot read."""
    status = error.status_code
    if status >= 500 and status not in _HTTP_CODES:
        return _on_surprise(request, error)
    code = _HTTP_CODES.get(status, "invalid_request")
    call_of(request.scope).refusal = code
    details: dict[str, Any] = {}
    if code == "invalid_request":
        status = 400
        details["fields"] = [{"path": "request", "expected": "a request that can be read"}]
    body = _envelope(code, _HTTP_MESSAGES.get(status, error.detail), details)
    headers = [(k.lower().encode(), v.encode()) for k, v in (error.headers or {}).items()]
    return _as_response(Answer(body, status, headers))


def _on_surprise(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    return _as_response(surprise(call_of(request.scope), error))


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    e.PaymentServiceError: _on_refusal,
    HTTPException: _on_http_error,
    Exception: _on_surprise,
}
