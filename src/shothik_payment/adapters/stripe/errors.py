"""Stripe's errors in our words: refused for good, or away."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

import stripe

from shothik_payment.domain.errors import (
    CallUnderWay,
    GatewayRefused,
    PaymentServiceError,
    Unavailable,
)

log = logging.getLogger(__name__)

NAME = "stripe"
_BUSY_SECONDS = 5
_CONFLICT = 409
"""Another request has the idempotency key in hand: what comes of it cannot be looked up yet."""
_CODE = re.compile(r"[a-z0-9_]{1,64}")


@contextmanager
def in_our_words(*, may_refuse: bool = False) -> Iterator[None]:
    """Around calls of the SDK and the reading of what they gave. Raises Unavailable, and
    GatewayRefused where Stripe `may_refuse`."""
    try:
        yield
    except stripe.APIConnectionError as error:
        log.warning("Stripe cannot be reached: %s", error.user_message)
        raise Unavailable("Stripe does not answer.") from error
    except stripe.StripeError as error:
        # From None: what the SDK's errors carry along are whole answers, and parts of the key.
        raise _translated(error, may_refuse) from None
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        log.exception("Stripe's answer cannot be understood")
        raise Unavailable("Stripe's answer cannot be understood.") from error


def code_of(error: stripe.StripeError, otherwise: str) -> str:
    """Stripe's code for what is wrong, such as card_declined."""
    return code_in(error.code, otherwise)


def code_in(found: object, otherwise: str) -> str:
    return found if isinstance(found, str) and _CODE.fullmatch(found) else otherwise


def _translated(error: stripe.StripeError, may_refuse: bool) -> PaymentServiceError:
    kind = type(error).__name__
    what = (error.http_status, kind, code_of(error, "no code"), error.request_id)
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        log.error("Stripe does not accept the secret key: %s %s, %s, request %s", *what)
        return Unavailable("Stripe does not let us in.")
    if may_refuse and isinstance(error, stripe.CardError | stripe.InvalidRequestError):
        log.info("Stripe refused: %s %s, %s, request %s", *what)
        card = isinstance(error, stripe.CardError)
        return GatewayRefused(NAME, code_of(error, "card_declined" if card else "invalid_request"))
    if error.http_status == _CONFLICT:
        log.info("Stripe is still at it: %s %s, %s, request %s", *what)
        return CallUnderWay("Stripe has not finished the call yet.")
    log.warning("Stripe failed: %s %s, %s, request %s", *what)
    if isinstance(error, stripe.RateLimitError):
        return Unavailable("Stripe asks for patience.", _BUSY_SECONDS)
    return Unavailable("Stripe could not do it now.")
