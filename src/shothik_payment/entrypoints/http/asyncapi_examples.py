"""When each event is told, and an example of it: what the AsyncAPI document is illustrated with."""

from __future__ import annotations

from dataclasses import dataclass

from shothik_payment.domain import events as e
from shothik_payment.domain.model.stop import StopCause
from shothik_payment.domain.model.time import DAY, Millis

_USER = "user_42"
_AT = Millis(1_795_341_600_123)
_PAYMENT = "pay_3f90000019a1c2d3e4f5a6b7c8d9"
_SUBSCRIPTION = "sub_3f90000019a1c2d3e4f5a6b7c8da"
_DEDUCTED = "txn_3f90000019a1c2d3e4f5a6b7c8db"
_SERVICE = "paraphrase_service"


@dataclass(frozen=True, slots=True)
class Told:
    """`when` completes "Told when …"."""

    when: str
    event: e.Event


def _told(number: int, when: str, data: e.EventData, request: str | None = None) -> Told:
    event_id = f"evt_3f90000019a1c2d3e4f5a6b7{number:04d}"
    return Told(when, e.Event(event_id, _USER, number, Millis(_AT + number), data, request))


def _paid(kind: type[e.PaymentEventData], **more: str | int) -> e.EventData:
    paid = kind(
        payment_id=_PAYMENT,
        gateway="stripe",
        session_id="cs_live_a1B2c3",
        amount_minor=1000,
        currency="USD",
        credits=100,
        pack_id="credits_100",
    )
    for name, value in more.items():
        setattr(paid, name, value)
    return paid


def _subscribed(kind: type[e.SubscriptionEventData], status: str) -> e.SubscriptionEventData:
    return kind(
        subscription_id=_SUBSCRIPTION,
        plan="pro",
        status=status,
        current_period_start=_AT,
        current_period_end=Millis(_AT + 30 * DAY),
    )


def _changed() -> e.EventData:
    changed = _subscribed(e.SubscriptionChanged, "active")
    changed.previous_plan, changed.plan = "pro", "team"
    return changed


def _cancelled() -> e.EventData:
    cancelled = _subscribed(e.SubscriptionCancelled, "cancelled")
    cancelled.cancel_at_period_end = True
    return cancelled


TOLD: tuple[Told, ...] = (
    _told(
        3,
        "the first cause to stop the user for that service came",
        e.ServiceStopUser(_SERVICE, StopCause.CREDITS_GONE, [StopCause.CREDITS_GONE]),
        "req_8",
    ),
    _told(
        6,
        "the last cause to stop the user for that service is gone",
        e.ServiceResumeUser(_SERVICE, StopCause.CREDITS_GONE),
    ),
    _told(
        2,
        "credits are gone or a limit of the plan is reached; once per occasion, not once per"
        " refused call",
        e.UsageLimitExceeded(service=None, limit="credits", used=100, allowed=100),
        "req_8",
    ),
    _told(
        5,
        "a new period began, or credits came back",
        e.UsageLimitReset(service=None, limit="credits", used=0, allowed=100),
    ),
    _told(
        1,
        "credits were deducted, captured, expired or taken back; `kind` says which",
        e.CreditDeducted(
            _DEDUCTED,
            kind="deduct",
            amount=5,
            new_balance=0,
            previous_balance=5,
            service=_SERVICE,
            feature="rewrite",
            metadata={"document": "doc_7"},
        ),
        "req_8",
    ),
    _told(
        4,
        "credits were granted; what went to a debt is in `appliedToDebt`",
        e.CreditAdded(
            "txn_3f90000019a1c2d3e4f5a6b7c8dc",
            amount=100,
            applied_to_debt=0,
            new_balance=100,
            previous_balance=0,
            source="purchase",
            payment_id=_PAYMENT,
        ),
    ),
    _told(
        7,
        "a deduction or capture was reversed, in part or as a whole",
        e.CreditRefunded(
            "txn_3f90000019a1c2d3e4f5a6b7c8dd",
            original_transaction_id=_DEDUCTED,
            amount=5,
            new_balance=105,
            previous_balance=100,
            service=_SERVICE,
            reason="the model failed",
        ),
        "req_9",
    ),
    _told(8, "a payment was settled", _paid(e.PaymentCompleted)),
    _told(9, "a payment failed for good", _paid(e.PaymentFailed, failure_code="card_declined")),
    _told(10, "a payment was refunded", _paid(e.PaymentRefunded, refunded_minor=1000)),
    _told(11, "a subscription began", _subscribed(e.SubscriptionCreated, "active")),
    _told(12, "a subscription moved to another plan or state", _changed()),
    _told(13, "a subscription was cancelled, at once or at the period's end", _cancelled()),
    _told(14, "a subscription ended", _subscribed(e.SubscriptionExpired, "expired")),
)
