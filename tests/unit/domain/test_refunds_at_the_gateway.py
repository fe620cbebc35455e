"""What the gateway says of refunds, ours and those begun on its dashboard."""

from __future__ import annotations

import pytest

from shothik_payment.domain.errors import (
    HoldClosed,
)
from shothik_payment.domain.ledger import commands as c
from shothik_payment.domain.ledger import payment_commands as p
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import PaymentStatus, RefundState
from shothik_payment.domain.model.time import DAY, HOUR, MINUTE
from tests.support.returns import FAILED, PENDING, SUCCEEDED, figures, purchase, refund, refunded
from tests.support.world import RESUME_ALL, T0, World, key


@pytest.fixture
def world() -> World:
    return purchase()


def test_a_refund_from_the_dashboard_reserves_while_it_is_pending(world: World) -> None:
    world.record_refund(refunded(500, PENDING))
    assert figures(world) == (50, 50, 0)
    stored = world.stored_payment("pay_1")
    assert stored.next_check_at == T0 + 10 * MINUTE
    world.record_refund(refunded(500))
    assert figures(world) == (50, 0, 0)
    (found,) = world.stored_payment("pay_1").refunds
    assert (found.id, found.gateway_id, found.state, found.clawed) == (
        "re_1",
        "re_1",
        SUCCEEDED,
        50,
    )


def test_two_refunds_that_are_pending_together_reserve_no_credit_twice(world: World) -> None:
    world.record_refund(refunded(333, PENDING, nth=1))
    world.record_refund(refunded(333, PENDING, nth=2))
    assert figures(world) == (34, 66, 0)
    world.record_refund(refunded(333, FAILED, nth=1))
    assert figures(world) == (67, 33, 0)
    world.record_refund(refunded(333, SUCCEEDED, nth=2))
    assert figures(world) == (67, 0, 0)


def test_a_refund_from_the_dashboard_that_has_succeeded_already_ends_in_the_same_state(
    world: World,
) -> None:
    world.record_refund(refunded(500))
    assert figures(world) == (50, 0, 0)
    assert world.stored_payment("pay_1").next_check_at is None
    assert world.told() == ["payment.refunded", "credit.deducted"]


def test_a_refund_that_was_never_heard_of_and_has_failed_is_none(world: World) -> None:
    world.record_refund(refunded(500, FAILED))
    assert world.last_change is None
    assert world.stored_payment("pay_1").refunds == []


def test_a_refund_of_what_nobody_paid_is_none(world: World) -> None:
    world.open_payment("pay_2")
    world.record_refund(refunded(500), "pay_2")
    assert world.last_change is None


def test_equal_parts_are_told_apart_by_their_ids(world: World) -> None:
    ours = world.begin_refund(300)
    world.record_refund(refunded(300, nth=1))
    assert world.stored_payment("pay_1").refunds[0].state is PENDING
    world.record_refund(refunded(300, refund=ours, nth=2))
    payment = world.stored_payment("pay_1")
    assert [(r.gateway_id, r.state) for r in payment.refunds] == [
        ("re_2", SUCCEEDED),
        ("re_1", SUCCEEDED),
    ]
    assert (payment.refunded_minor, world.wallet.available) == (600, 40)


def test_what_was_known_by_our_id_is_known_by_the_gateways_from_then_on(world: World) -> None:
    ours = world.begin_refund(300)
    world.record_refund(refunded(300, PENDING, ours))
    world.record_refund(refunded(300, SUCCEEDED))
    assert len(world.stored_payment("pay_1").refunds) == 1
    assert figures(world) == (70, 0, 0)


@pytest.mark.parametrize("state", [PENDING, SUCCEEDED, FAILED])
def test_told_twice_or_of_what_was_before_changes_nothing(world: World, state: RefundState) -> None:
    ours = world.begin_refund(300)
    world.record_refund(refunded(300, state, ours))
    version = world.wallet.version
    earlier = [PENDING, SUCCEEDED, FAILED][: [PENDING, SUCCEEDED, FAILED].index(state) + 1]
    for before in earlier:
        world.record_refund(refunded(300, before, ours))
        world.record_refund(refunded(300, before))
    assert world.wallet.version == version


def test_a_captured_hold_stays_closed(world: World) -> None:
    done = refund(world, 100)
    assert done.hold_id is not None
    world.refusal(HoldClosed, c.ReleaseHold, hold_id=done.hold_id, service="refund")


# Refused, at once or after it succeeded


def test_refused_by_the_gateway_it_is_released_and_its_key_is_free_again(world: World) -> None:
    request = key("r1")
    begun = world.begin_refund(400, request=request)
    assert world.wallet.held == 40
    fail = {"payment_id": "pay_1", "refund_id": begun.id, "failure_code": "too_old"}
    world.do(p.FailRefund, request_key=request.key, **fail)
    assert figures(world) == (100, 0, 0)
    payment = world.stored_payment("pay_1")
    assert (payment.status, payment.next_check_at) == (PaymentStatus.PAID, None)
    assert (payment.refunds[0].state, payment.refunds[0].failure_code) == (FAILED, "too_old")
    assert world.told() == []
    world.do(p.FailRefund, **fail)
    assert world.last_change is None
    again = world.begin_refund(500, request=key("r1", b"another body"))
    assert again.amount_minor == 500


def test_failed_after_it_succeeded_gives_the_credits_again(world: World) -> None:
    world.deduct(30)
    done = refund(world)
    assert figures(world) == (0, 0, 30)
    world.heard()
    world.record_refund(refunded(1000, FAILED, done))
    assert figures(world) == (70, 0, 0)
    payment = world.stored_payment("pay_1")
    assert (payment.status, payment.refunded_minor) == (PaymentStatus.PAID, 0)
    assert world.told() == ["credit.added", "usage.limit_reset", *RESUME_ALL]
    assert refund(world, nth=2).clawed == 100


def test_failed_after_it_succeeded_the_rest_is_rounded_down_together_again(world: World) -> None:
    world.open_payment("pay_2", price=Money(3, "USD"), credits=100)
    world.settle("pay_2", Money(3, "USD"))
    for nth in (1, 2):
        world.record_refund(refunded(1, nth=nth), "pay_2")
    assert world.wallet.available == 200 - 66
    world.record_refund(refunded(1, FAILED, nth=1), "pay_2")
    assert world.wallet.available == 200 - 33
    assert [r.clawed for r in world.stored_payment("pay_2").refunds] == [0, 33]


def test_credits_with_an_end_come_back_with_it_but_live_three_days_at_least(world: World) -> None:
    for nth, (ends, expected) in enumerate(((HOUR, 72 * HOUR), (100 * DAY, 100 * DAY))):
        payment_id = f"pay_e{nth}"
        world.open_payment(payment_id, credits_expire_at=T0 + ends)
        world.settle(payment_id)
        world.record_refund(refunded(1000, nth=nth), payment_id)
        world.record_refund(refunded(1000, FAILED, nth=nth), payment_id)
        (grant,) = (g for g in world.wallet.grants if g.payment_id == payment_id)
        assert (grant.available, grant.expires_at) == (100, T0 + expected)


def test_what_a_refused_refund_releases_after_its_end_expires_at_once(world: World) -> None:
    world.open_payment("pay_e", credits_expire_at=T0 + HOUR)
    world.settle("pay_e")
    begun = world.begin_refund(payment_id="pay_e")
    world.now += HOUR
    world.expire()
    assert figures(world) == (100, 100, 0)
    world.do(p.FailRefund, payment_id="pay_e", refund_id=begun.id, failure_code="no")
    assert figures(world) == (100, 0, 0)
