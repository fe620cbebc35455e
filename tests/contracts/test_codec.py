"""The JSON that adapters share: what an event carries on the wire."""

from __future__ import annotations

import json
from typing import Any

from shothik_payment.adapters import codec
from shothik_payment.domain.events import (
    CreditAdded,
    CreditRefunded,
    Event,
    EventData,
    PaymentFailed,
    ServiceResumeUser,
    ServiceStopUser,
    SubscriptionChanged,
    UsageLimitExceeded,
)
from shothik_payment.domain.model.stop import StopCause
from shothik_payment.domain.model.time import Millis

AT = Millis(1_795_341_600_000)
TEXT = "2026-11-22T10:00:00.000Z"


def wire(data: EventData, request_id: str | None = None) -> dict[str, Any]:
    event = Event("evt_1", "u1", 1, AT, data, request_id)
    told: dict[str, Any] = json.loads(codec.wire_data(event))
    assert (told.pop("userId"), told.pop("occurredAt")) == ("u1", TEXT)
    return told


def test_what_may_be_absent_is_left_out_and_the_rest_is_null() -> None:
    assert wire(UsageLimitExceeded(None, "credits", 0, 5)) == {
        "service": None,
        "limit": "credits",
        "used": 0,
        "allowed": 5,
    }
    assert wire(PaymentFailed("pay_1", "sandbox", None, 1000, "USD"), "r1") == {
        "paymentId": "pay_1",
        "gateway": "sandbox",
        "sessionId": None,
        "amountMinor": 1000,
        "currency": "USD",
        "requestId": "r1",
    }
    assert wire(CreditRefunded("txn_2", "txn_1", 1, 5, 4, None))["service"] is None


def test_times_are_text_and_amounts_stay_numbers() -> None:
    told = wire(CreditAdded("txn_1", int(AT), 0, 1, 0, "purchase", expires_at=AT))
    assert (told["amount"], told["expiresAt"]) == (AT, TEXT)
    assert "paymentId" not in told
    changed = wire(
        SubscriptionChanged("sub_1", "pro", "active", AT, AT, cancel_at_period_end=False)
    )
    assert (changed["currentPeriodStart"], changed["currentPeriodEnd"]) == (TEXT, TEXT)
    assert changed["cancelAtPeriodEnd"] is False


def test_causes_travel_by_name() -> None:
    causes = [StopCause.FROZEN, StopCause.DISPUTE]
    assert wire(ServiceStopUser("a_service", StopCause.FROZEN, causes)) == {
        "service": "a_service",
        "reason": "frozen",
        "causes": ["frozen", "dispute"],
    }
    assert wire(ServiceResumeUser("a_service", StopCause.DISPUTE))["reason"] == "dispute"
