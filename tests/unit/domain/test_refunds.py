"""Refunds: reserved before the gateway is asked, then taken back or released."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shothik_payment.domain import events as e
from shothik_payment.domain.errors import (
    InsufficientCredits,
    LimitReached,
    NotFound,
    PaymentNotRefundable,
    RefundExceedsPayment,
    RefundInProgress,
    WrongService,
)
from shothik_payment.domain.ledger import commands as c
from shothik_payment.domain.ledger import payment_commands as p
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import PaymentStatus
from shothik_payment.domain.model.time import DAY
from tests.support.returns import PENDING, SUCCEEDED, figures, purchase, refund, refunded
from tests.support.world import PARAPHRASE, RESUME_ALL, STOP_ALL, T0, World, key


@pytest.fixture
def world() -> World:
    return purchase()


# Reserving


def test_what_is_reserved_cannot_be_spent_and_no_service_can_end_it(world: World) -> None:
    begun = world.begin_refund(600)
    assert figures(world) == (40, 60, 0)
    world.refusal(InsufficientCredits, c.Deduct, amount=41, service=PARAPHRASE)
    (hold,) = world.wallet.holds.values()
    assert begun.hold_id == hold.id
    for kind in (c.CaptureHold, c.ReleaseHold):
        world.refusal(WrongService, kind, hold_id=hold.id, service=PARAPHRASE)
    world.now += 1000 * DAY
    world.deduct(40)
    assert figures(world) == (0, 60, 0)


def test_reserving_everything_tells_nothing_and_taking_it_tells_that_credits_are_gone(
    world: World,
) -> None:
    begun = world.begin_refund()
    assert (world.told(), world.wallet.stops) == ([], [])
    world.record_refund(refunded(1000, refund=begun))
    assert world.told() == [
        "payment.refunded",
        "credit.deducted",
        "usage.limit_exceeded",
        *STOP_ALL,
    ]
    assert figures(world) == (0, 0, 0)
    payment = world.stored_payment("pay_1")
    assert (payment.status, payment.refunded_minor, payment.next_check_at) == (
        PaymentStatus.REFUNDED,
        1000,
        None,
    )


def test_a_refund_is_told_with_its_facts(world: World) -> None:
    refund(world, 250)
    refunded, deducted = (event.data for event in world.heard())
    assert refunded == e.PaymentRefunded(
        "pay_1", "sandbox", "session_pay_1", 1000, "USD", 100, "credits_100", refunded_minor=250
    )
    row = world.rows[-1]
    assert deducted == e.CreditDeducted(
        row.id,
        "clawback",
        25,
        75,
        75,
        hold_id=row.hold_id,
        payment_id="pay_1",
        reason="refund",
    )


def test_only_the_payments_own_credits_are_reserved(world: World) -> None:
    world.grant(50, priority=9)
    world.deduct(80)
    world.begin_refund()
    assert figures(world) == (50, 20, 0)
    world.refusal(InsufficientCredits, c.Deduct, amount=51, service=PARAPHRASE)


def test_while_it_is_pending_the_gateway_is_asked_again_and_then_no_more(world: World) -> None:
    begun = world.begin_refund(next_check_at=T0 + 5)
    assert world.stored_payment("pay_1").next_check_at == T0 + 5
    world.record_refund(refunded(1000, PENDING, begun))
    assert world.stored_payment("pay_1").next_check_at == T0 + 5
    world.record_refund(refunded(1000, SUCCEEDED, begun))
    assert world.stored_payment("pay_1").next_check_at is None


# Taking back


def test_half_is_spent_the_whole_is_refunded_what_is_missing_is_debt_and_later_inflows_pay_it(
    world: World,
) -> None:
    world.deduct(50)
    done = refund(world)
    assert done.clawed == 100
    assert figures(world) == (0, 0, 50)
    world.grant(30)
    assert figures(world) == (0, 0, 20)
    world.heard()
    world.grant(30)
    assert figures(world) == (10, 0, 0)
    assert world.told() == ["credit.added", "usage.limit_reset", *RESUME_ALL]


def test_credits_under_a_services_hold_become_debt_that_their_release_pays(world: World) -> None:
    hold = world.hold(70)
    refund(world)
    assert figures(world) == (0, 70, 70)
    world.capture(hold, 20)
    assert figures(world) == (0, 0, 20)


@given(
    credits=st.integers(1, 500),
    price=st.integers(1, 2000),
    spent=st.floats(0, 1),
    data=st.data(),
)
@settings(max_examples=60)
def test_in_parts_the_share_of_all_parts_together_is_taken_rounded_down(
    credits: int, price: int, spent: float, data: st.DataObject
) -> None:
    world = World()
    world.open_payment(price=Money(price, "USD"), credits=credits)
    world.settle(paid=Money(price, "USD"))
    used = int(credits * spent)
    if used:
        world.deduct(used)
    left, nth = price, 0
    while left and nth < 8:
        nth += 1
        left -= refund(world, data.draw(st.integers(1, left)), nth).amount_minor
        taken = credits * (price - left) // price
        assert world.wallet.available - world.wallet.debt == credits - used - taken
        assert world.wallet.debt == max(0, taken - (credits - used))
        payment = world.stored_payment("pay_1")
        assert sum(part.clawed for part in payment.refunds) == taken
        assert payment.refunded_minor == price - left
        status = PaymentStatus.PARTIALLY_REFUNDED if left else PaymentStatus.REFUNDED
        assert payment.status is status


# What is refused, in this order


def test_refunds_are_judged_in_a_written_order(world: World) -> None:
    """not_found, payment_not_refundable, refund_in_progress, refund_exceeds_payment."""
    begin = {"refund_id": "rfd_x", "next_check_at": T0, "amount_minor": 1001}
    world.refusal(NotFound, p.BeginRefund, payment_id="pay_x", **begin)
    world.open_payment("pay_2")
    error = world.refusal(PaymentNotRefundable, p.BeginRefund, payment_id="pay_2", **begin)
    assert error.details() == {"payment_id": "pay_2", "status": "pending"}
    over = world.refusal(RefundExceedsPayment, p.BeginRefund, payment_id="pay_1", **begin)
    assert over.details() == {"requested": 1001, "refundable": 1000, "currency": "USD"}
    begun = world.begin_refund(400)
    busy = world.refusal(RefundInProgress, p.BeginRefund, payment_id="pay_1", **begin)
    assert busy.details() == {"payment_id": "pay_1", "refund_id": begun.id}
    world.record_refund(refunded(400, refund=begun))
    over = world.refusal(
        RefundExceedsPayment, p.BeginRefund, payment_id="pay_1", **begin | {"amount_minor": 601}
    )
    assert over.refundable == 600
    refund(world, nth=2)
    done = world.refusal(PaymentNotRefundable, p.BeginRefund, payment_id="pay_1", **begin)
    assert done.status == "refunded"


def test_a_payment_has_so_many_refunds_and_no_more() -> None:
    world = World(max_refunds=2)
    world.open_payment()
    world.settle()
    refund(world, 1, nth=1)
    refund(world, 1, nth=2)
    begin = {"payment_id": "pay_1", "refund_id": "r", "next_check_at": T0, "amount_minor": 1}
    error = world.refusal(LimitReached, p.BeginRefund, **begin)
    assert error.details() == {"what": "refunds of the payment", "limit": 2}


def test_the_same_request_is_answered_with_the_payment_as_it_is(world: World) -> None:
    begin = {"payment_id": "pay_1", "amount_minor": 100, "next_check_at": T0, "request": key("r1")}
    world.do(p.BeginRefund, refund_id="rfd_1", **begin)
    again = world.do(p.BeginRefund, refund_id="rfd_2", **begin)
    assert again.replayed
    assert again.payment == world.stored_payment("pay_1")
    assert [r.id for r in world.stored_payment("pay_1").refunds] == ["rfd_1"]


def test_the_frozen_can_be_refunded(world: World) -> None:
    world.freeze()
    refund(world, 500)
    assert figures(world) == (50, 0, 0)


def test_money_under_review_is_refunded_and_takes_no_credits(world: World) -> None:
    world.open_payment("pay_2")
    world.settle("pay_2", Money(700, "USD"))
    begun = world.begin_refund(payment_id="pay_2")
    assert (begun.amount_minor, begun.hold_id) == (700, None)
    payment = world.record_refund(refunded(700, refund=begun), "pay_2")
    assert (payment.status, payment.review_reason) == (PaymentStatus.REFUNDED, None)
    assert figures(world) == (100, 0, 0)
    assert world.told() == ["payment.refunded"]


def test_accepted_after_a_part_was_refunded_its_share_is_taken_as_if_it_had_been_before(
    world: World,
) -> None:
    world.open_payment("pay_2")
    world.settle("pay_2", Money(2000, "USD"))
    world.record_refund(refunded(500), "pay_2")
    assert world.stored_payment("pay_2").status is PaymentStatus.REVIEW
    world.do(p.AcceptPayment, payment_id="pay_2", reason="looked")
    payment = world.stored_payment("pay_2")
    assert (payment.status, payment.refunds[0].clawed) == (PaymentStatus.PARTIALLY_REFUNDED, 25)
    assert world.wallet.available == 100 + 75


def test_what_a_request_began_is_told_with_its_key(world: World) -> None:
    begun = world.begin_refund(500, request=key("refund-1"))
    world.record_refund(refunded(500, refund=begun))
    assert {event.request_id for event in world.heard()} == {"refund-1"}
    world.record_refund(refunded(500, nth=2))  # began at the gateway
    assert {event.request_id for event in world.heard()} == {None}


def test_who_has_too_little_is_told_of_no_hold_that_never_ends(world: World) -> None:
    world.begin_refund()
    refusal = world.refusal(InsufficientCredits, c.Deduct, amount=1, service=PARAPHRASE)
    assert (refusal.available, refusal.held) == (0, 100)
    assert refusal.holds == []
