"""What the gateway says of refunds, ours and those begun on its dashboard."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shothik_payment.domain import events as e
from shothik_payment.domain.errors import (
    HoldClosed,
    InsufficientCredits,
    LimitReached,
    NotFound,
    PaymentNotRefundable,
    RefundExceedsPayment,
    RefundInProgress,
    WrongService,
)
from shothik_payment.domain.ledger import commands as c
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import PaymentStatus, Refund, RefundState
from shothik_payment.domain.model.time import DAY, HOUR, MINUTE
from shothik_payment.domain.ports.gateway import GatewayRefund
from tests.support.world import PARAPHRASE, SLIDE, T0, World, key

PENDING, SUCCEEDED, FAILED = RefundState.PENDING, RefundState.SUCCEEDED, RefundState.FAILED
STOP_ALL = [f"service.{PARAPHRASE}.stop_user", f"service.{SLIDE}.stop_user"]
RESUME_ALL = [f"service.{PARAPHRASE}.resume_user", f"service.{SLIDE}.resume_user"]


# Begun at the gateway


def test_a_refund_from_the_dashboard_reserves_while_it_is_pending(world: World) -> None:
    world.record_refund(told(500, PENDING))
    assert figures(world) == (50, 50, 0)
    stored = world.stored_payment("pay_1")
    assert stored.next_check_at == T0 + 10 * MINUTE
    world.record_refund(told(500))
    assert figures(world) == (50, 0, 0)
    (found,) = world.stored_payment("pay_1").refunds
    assert (found.id, found.gateway_id, found.state, found.clawed) == (
        "re_1",
        "re_1",
        SUCCEEDED,
        50,
    )


def test_two_refunds_that_are_pending_together_reserve_no_credit_twice(world: World) -> None:
    world.record_refund(told(333, PENDING, nth=1))
    world.record_refund(told(333, PENDING, nth=2))
    assert figures(world) == (34, 66, 0)
    world.record_refund(told(333, FAILED, nth=1))
    assert figures(world) == (67, 33, 0)
    world.record_refund(told(333, SUCCEEDED, nth=2))
    assert figures(world) == (67, 0, 0)


def test_a_refund_from_the_dashboard_that_has_succeeded_already_ends_in_the_same_state(
    world: World,
) -> None:
    world.record_refund(told(500))
    assert figures(world) == (50, 0, 0)
    assert world.stored_payment("pay_1").next_check_at is None
    assert world.told() == ["payment.refunded", "credit.deducted"]


def test_a_refund_that_was_never_heard_of_and_has_failed_is_none(world: World) -> None:
    world.record_refund(told(500, FAILED))
    assert world.last_change is None
    assert world.stored_payment("pay_1").refunds == []


def test_a_refund_of_what_nobody_paid_is_none(world: World) -> None:
    world.open_payment("pay_2")
    world.record_refund(told(500), "pay_2")
    assert world.last_change is None


def test_equal_parts_are_told_apart_by_their_ids(world: World) -> None:
    ours = world.begin_refund(300)
    world.record_refund(told(300, nth=1))
    assert world.stored_payment("pay_1").refunds[0].state is PENDING
    world.record_refund(told(300, refund=ours, nth=2))
    payment = world.stored_payment("pay_1")
    assert [(r.gateway_id, r.state) for r in payment.refunds] == [
        ("re_2", SUCCEEDED),
        ("re_1", SUCCEEDED),
    ]
    assert (payment.refunded_minor, world.wallet.available) == (600, 40)


def test_what_was_known_by_our_id_is_known_by_the_gateways_from_then_on(world: World) -> None:
    ours = world.begin_refund(300)
    world.record_refund(told(300, PENDING, ours))
    world.record_refund(told(300, SUCCEEDED))
    assert len(world.stored_payment("pay_1").refunds) == 1
    assert figures(world) == (70, 0, 0)


@pytest.mark.parametrize("state", [PENDING, SUCCEEDED, FAILED])
def test_told_twice_or_of_what_was_before_changes_nothing(world: World, state: RefundState) -> None:
    ours = world.begin_refund(300)
    world.record_refund(told(300, state, ours))
    version = world.wallet.version
    earlier = [PENDING, SUCCEEDED, FAILED][: [PENDING, SUCCEEDED, FAILED].index(state) + 1]
    for before in earlier:
        world.record_refund(told(300, before, ours))
        world.record_refund(told(300, before))
    assert world.wallet.version == version


def test_a_captured_hold_stays_closed(world: World) -> None:
    done = refund(world, 100)
    assert done.hold_id is not None
    world.refusal(HoldClosed, c.ReleaseHold, hold_id=done.hold_id, service="refund")
