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


def test_what_the_last_release_stored_is_read() -> None:
    """A wallet and a payment from before there were subscriptions."""
    wallet = codec.decode_wallet(
        '{"user_id":"u1","version":7,"available":5,"held":0,"debt":0,"rows":6,"events":5,'
        '"last_at":1795341600000,"credits_in":9,"credits_used":4,"grants":[{"id":"grant_1",'
        '"user_id":"u1","source":"purchase","amount":9,"available":5,"held":0,"priority":0,'
        '"created_at":1,"expires_at":null,"payment_id":null,"subscription_id":null}],'
        '"holds":{},"stops":[]}'
    )
    assert (wallet.version, wallet.available, wallet.grants[0].amount) == (7, 5, 9)
    assert (wallet.subscription, wallet.had_trial, wallet.steps) == (None, False, 0)
    assert (wallet.usage, wallet.usage_since, wallet.usage_ends) == ({}, 0, None)
    assert wallet.next_due() is None
    payment = codec.decode_payment(
        '{"id":"pay_1","user_id":"u1","gateway":"stripe","status":"paid","price":'
        '{"amount_minor":900,"currency":"USD"},"credits":9,"created_at":1,"updated_at":2,'
        '"reference":"ch_1","paid":{"amount_minor":900,"currency":"USD"},"saves_method":false}'
    )
    assert (payment.off_session, payment.subscription_id, payment.plan) == (False, None, None)
    assert payment.surplus_reference is None


def test_a_key_that_was_stored_before_there_were_rotations_is_read() -> None:
    body = (
        '{"id":"key_1","service":"paraphrase_service","name":"mine","digest":"AAEC",'
        '"prefix":"sk_paraphrase_","last4":"wxyz","created_at":1800000000000,'
        '"scopes":["credits:deduct"],"expires_at":null,"revoked_at":null,"last_used_at":null,'
        '"rate_limit":5,"allowed_ips":["10.0.0.0/8"],"version":3}'
    )
    key = codec.decode_api_key(body)
    assert (key.version, key.rate_limit, key.digest) == (3, 5, b"\x00\x01\x02")
    assert (key.line, key.replaces, key.replaced_by, key.rotated_at) == ("key_1", None, None, None)
    assert (key.legacy, key.warned_for) == (False, None)
    assert codec.decode_api_key(codec.encode(key)) == key
