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
_PERIOD_ENDS = Millis(_AT + 30 * DAY)


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
        amount_minor=1500,
        currency="USD",
        credits=2000,
        plan="pro",
    )
    for name, value in more.items():
        setattr(paid, name, value)
    return paid


def _subscribed(
    kind: type[e.SubscriptionEventData],
    status: str,
    reason: str | None = None,
    payment_url: str | None = None,
) -> e.EventData:
    return kind(
        subscription_id=_SUBSCRIPTION,
        plan="pro",
        status=status,
        current_period_start=_AT,
        current_period_end=_PERIOD_ENDS,
        reason=reason,
        payment_url=payment_url,
    )


TOLD: tuple[Told, ...] = (
    _told(
        3,
        "the first cause to stop the user for that service came",
        e.ServiceStopUser(
            _SERVICE, StopCause.LIMIT_REACHED, [StopCause.LIMIT_REACHED], _PERIOD_ENDS
        ),
        "req_8",
    ),
    _told(
        6,
        "the last cause to stop the user for that service is gone",
        e.ServiceResumeUser(_SERVICE, StopCause.LIMIT_REACHED),
    ),
    _told(
        2,
        "credits are gone (`limit` is `credits`) or a limit of the plan is reached (`plan_count`,"
        " `plan_credits`); once per occasion, not once per refused call",
        e.UsageLimitExceeded(
            _SERVICE, "plan_credits", used=500, allowed=500, resets_at=_PERIOD_ENDS
        ),
        "req_8",
    ),
    _told(
        5,
        "a limit of the plan that was reached is so no more, or credits came back",
        e.UsageLimitReset(
            _SERVICE,
            "plan_credits",
            used=500,
            allowed=500,
            resets_at=Millis(_PERIOD_ENDS + 31 * DAY),
        ),
    ),
    _told(
        1,
        "credits were deducted, captured, expired or taken back; `kind` says which",
        e.CreditDeducted(
            _DEDUCTED,
            kind="deduct",
            amount=5,
            new_balance=95,
            previous_balance=100,
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
            amount=2000,
            applied_to_debt=0,
            new_balance=2095,
            previous_balance=95,
            source="subscription",
            payment_id=_PAYMENT,
            subscription_id=_SUBSCRIPTION,
            expires_at=_PERIOD_ENDS,
        ),
    ),
    _told(
        7,
        "a deduction or capture was reversed, in part or as a whole",
        e.CreditRefunded(
            "txn_3f90000019a1c2d3e4f5a6b7c8dd",
            original_transaction_id=_DEDUCTED,
            amount=5,
            new_balance=2100,
            previous_balance=2095,
            service=_SERVICE,
            reason="the model failed",
        ),
        "req_9",
    ),
    _told(8, "a payment was settled", _paid(e.PaymentCompleted)),
    _told(9, "a payment failed for good", _paid(e.PaymentFailed, failure_code="card_declined")),
    _told(10, "a payment was refunded", _paid(e.PaymentRefunded, refunded_minor=1500)),
    _told(
        11,
        "a subscription was made; `status` says whether it is in force, or awaits its payment",
        _subscribed(e.SubscriptionCreated, "incomplete"),
    ),
    _told(
        12,
        "a subscription moved to another plan, state or period, or will at the period's end;"
        " `reason` says which, and `paymentUrl` where a renewal is to be paid",
        _subscribed(
            e.SubscriptionChanged,
            "past_due",
            "payment_due",
            "https://checkout.example/cs_live_a1B2c3",
        ),
    ),
    _told(
        13,
        "a subscription ended because somebody cancelled it, at once or at the period's end",
        _subscribed(e.SubscriptionCancelled, "cancelled", "cancelled_at_period_end"),
    ),
    _told(
        14,
        "a subscription ended because it was not paid",
        _subscribed(e.SubscriptionExpired, "expired", "renewal_not_paid"),
    ),
)
