"""What is told, with what data, in which order, and how often."""

import pytest

from shothik_payment.domain import events as e
from shothik_payment.domain.model.grant import GrantSource
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import RefundState
from shothik_payment.domain.model.time import HOUR, MINUTE
from shothik_payment.domain.ports.gateway import GatewayRefund
from tests.support.world import PARAPHRASE, RESUME_ALL, STOP_ALL, T0, World, key

EXCEEDED = "usage.limit_exceeded"
RESET = "usage.limit_reset"


@pytest.fixture
def world() -> World:
    return World()


def test_a_grant_tells_credit_added(world: World) -> None:
    world.grant(
        10,
        source=GrantSource.SUBSCRIPTION,
        payment_id="pay_1",
        subscription_id="sub_1",
        expires_at=T0 + HOUR,
        reason="renewal",
    )
    (event,) = world.heard()
    assert event.data == e.CreditAdded(
        transaction_id=world.rows[0].id,
        amount=10,
        applied_to_debt=0,
        new_balance=10,
        previous_balance=0,
        source="subscription",
        payment_id="pay_1",
        subscription_id="sub_1",
        expires_at=T0 + HOUR,
        reason="renewal",
    )
    assert (event.user_id, event.at, event.sequence) == ("u1", T0, 1)


def test_a_deduction_tells_credit_deducted_with_its_request(world: World) -> None:
    world.grant(10)
    world.now += 5
    row = world.deduct(3, feature="f", metadata={"a": 1}, request=key("r-1"))
    event = world.heard()[-1]
    assert event.data == e.CreditDeducted(
        transaction_id=row.id,
        kind="deduct",
        amount=3,
        new_balance=7,
        previous_balance=10,
        service=PARAPHRASE,
        feature="f",
        metadata={"a": 1},
    )
    assert (event.at, event.request_id) == (T0 + 5, "r-1")


def test_a_hold_and_its_release_tell_nothing(world: World) -> None:
    world.grant(10)
    world.heard()
    world.release(world.hold(10))
    world.hold(3, ttl_ms=MINUTE)
    world.now += MINUTE
    world.expire()
    assert world.heard() == []


def test_a_capture_tells_credit_deducted_and_its_release_nothing(world: World) -> None:
    world.grant(10)
    hold = world.hold(6, feature="f")
    world.heard()
    row = world.capture(hold, 4)
    assert [event.data for event in world.heard()] == [
        e.CreditDeducted(row.id, "capture", 4, 6, 6, PARAPHRASE, "f", hold.id)
    ]
    assert world.wallet.available == 6


def test_a_reversal_tells_credit_refunded(world: World) -> None:
    world.grant(10)
    row = world.deduct(6)
    world.heard()
    back = world.reverse(row, 4, reason="job failed")
    assert [event.data for event in world.heard()] == [
        e.CreditRefunded(back.id, row.id, 4, 8, 4, PARAPHRASE, "job failed")
    ]


def test_expiry_clawback_and_negative_adjustment_are_deductions_with_their_kind(
    world: World,
) -> None:
    world.grant(100)
    world.grant(5, expires_at=T0 + 1, payment_id="pay_0")
    world.grant(10, payment_id="pay_1", priority=9)
    world.heard()
    world.now += 1
    world.expire()
    expired = world.rows[-1]
    clawed = world.claw_back(15, "pay_1", reason="refund")
    adjusted = world.adjust(-1)
    assert [event.data for event in world.heard()] == [
        e.CreditDeducted(
            expired.id, "expire", 5, 110, 115, payment_id="pay_0", reason="grant_expired"
        ),
        e.CreditDeducted(clawed.id, "clawback", 10, 100, 110, payment_id="pay_1", reason="refund"),
        e.CreditDeducted(adjusted.id, "adjust", 1, 99, 100, reason="correction"),
    ]


def test_a_clawback_of_nothing_but_debt_tells_of_no_credits(world: World) -> None:
    world.claw_back(5, "pay_1")
    assert world.heard() == []


def test_what_paid_the_debt_is_told(world: World) -> None:
    world.claw_back(4, "pay_1")
    world.adjust(10)
    (data,) = [event.data for event in world.heard() if isinstance(event.data, e.CreditAdded)]
    assert (data.amount, data.applied_to_debt, data.new_balance) == (10, 4, 6)
    assert (data.source, data.reason) == ("adjustment", "correction")


# Order


def test_inside_a_commit_payment_then_credit_then_usage_then_service(world: World) -> None:
    world.grant(5, expires_at=T0 + HOUR)
    world.deduct(5)
    world.grant(5, expires_at=T0 + HOUR)
    world.open_payment()
    world.now = T0 + HOUR
    world.expire()
    world.heard()
    world.settle()
    heard = world.heard()
    assert [event.data.routing_key() for event in heard] == [
        "payment.completed",
        "credit.added",
        RESET,
        *RESUME_ALL,
    ]
    first = heard[0].sequence
    assert [event.sequence for event in heard] == list(range(first, first + 5))


def test_what_expires_is_told_before_what_the_command_does_but_after_payments(
    world: World,
) -> None:
    world.grant(5, expires_at=T0 + HOUR)
    world.open_payment()
    world.heard()
    world.now = T0 + HOUR
    world.settle()
    assert world.told() == ["payment.completed", "credit.deducted", "credit.added"]


def test_a_refund_tells_the_payment_first(world: World) -> None:
    world.open_payment()
    world.settle()
    world.heard()
    begun = world.begin_refund()
    told = GatewayRefund("re_1", Money(1000, "USD"), RefundState.SUCCEEDED, begun.id)
    world.record_refund(told)
    heard = world.heard()
    assert [event.data.routing_key() for event in heard] == [
        "payment.refunded",
        "credit.deducted",
        EXCEEDED,
        *STOP_ALL,
    ]
    assert heard[0].data == e.PaymentRefunded(
        "pay_1", "sandbox", "session_pay_1", 1000, "USD", 100, "credits_100", refunded_minor=1000
    )


def test_sequences_are_gapless_per_user(world: World) -> None:
    for user in ("u1", "u2", "u1"):
        world.user = user
        world.grant(1)
        world.deduct(1)
    for user, count in (("u1", 13), ("u2", 5)):
        world.user = user
        assert [event.sequence for event in world.events] == list(range(1, count + 1))
        assert world.wallet.events == count


def test_every_event_type_has_its_class_and_routing_key() -> None:
    assert {kind.type: kind.event_class.value for kind in e.EVENT_TYPES} == {
        "service.stop_user": "critical",
        "service.resume_user": "critical",
        "usage.limit_exceeded": "high",
        "usage.limit_reset": "normal",
        "credit.deducted": "normal",
        "credit.added": "high",
        "credit.refunded": "high",
        "payment.completed": "high",
        "payment.failed": "high",
        "payment.refunded": "high",
        "subscription.created": "normal",
        "subscription.changed": "normal",
        "subscription.cancelled": "normal",
        "subscription.expired": "normal",
    }


def test_what_time_has_caused_carries_no_request(world: World) -> None:
    world.grant(5, expires_at=T0 + MINUTE)
    world.grant(5)
    world.heard()
    world.now = T0 + 2 * MINUTE
    world.deduct(1, request=key("r1"))
    told = {event.data.kind: event.request_id for event in world.heard()}
    assert told == {"expire": None, "deduct": "r1"}
