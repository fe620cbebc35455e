"""Refunds and disputes are told in any order and twice, and end in one state."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shothik_payment.domain.ledger import payment_commands as p
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import DisputeState, RefundState
from shothik_payment.domain.model.stop import StopCause
from shothik_payment.domain.ports.gateway import GatewayDispute, GatewayRefund
from tests.support.returns import purchase, refunded
from tests.support.world import PARAPHRASE, World

OPEN, WON, LOST = DisputeState.OPEN, DisputeState.WON, DisputeState.LOST


@pytest.fixture
def world() -> World:
    return purchase(others=50)


def figures(world: World) -> tuple[int, int]:
    return world.wallet.available, world.wallet.debt


@pytest.mark.parametrize("verdict", [WON, LOST])
@pytest.mark.parametrize("ended", [RefundState.SUCCEEDED, RefundState.FAILED])
@pytest.mark.parametrize("refund_first", [True, False])
def test_a_refund_that_was_pending_when_the_dispute_was_opened(
    world: World, verdict: DisputeState, ended: RefundState, refund_first: bool
) -> None:
    world.record_refund(refunded(500, RefundState.PENDING))
    world.record_dispute(OPEN)
    assert (world.wallet.available, world.wallet.held) == (50, 50)
    steps = [
        lambda: world.record_refund(refunded(500, ended)),
        lambda: world.record_dispute(verdict),
    ]
    for step in steps if refund_first else reversed(steps):
        step()
    kept = {
        (WON, RefundState.SUCCEEDED): 50,
        (WON, RefundState.FAILED): 100,
    }.get((verdict, ended), 0)
    assert (figures(world), world.wallet.held) == ((50 + kept, 0), 0)
    payment = world.stored_payment("pay_1")
    taken = sum(r.clawed for r in payment.refunds) + sum(d.clawed for d in payment.disputes)
    assert taken == 100 - kept


def test_a_refund_and_a_dispute_of_the_whole_take_it_once(world: World) -> None:
    world.deduct(100)
    world.record_dispute(OPEN)
    world.record_refund(refunded(1000))
    assert figures(world) == (50, 100)
    world.record_dispute(LOST)
    assert figures(world) == (50, 100)


PENDING, SUCCEEDED, FAILED = RefundState.PENDING, RefundState.SUCCEEDED, RefundState.FAILED
Report = GatewayRefund | GatewayDispute
REFUNDS_GO = [[PENDING, SUCCEEDED], [SUCCEEDED], [PENDING, FAILED], [PENDING, SUCCEEDED, FAILED]]
APPEAL = [OPEN, LOST, WON]
DISPUTES_GO = [[OPEN], [OPEN, WON], [OPEN, LOST], APPEAL, [WON], [LOST]]


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Report], list[Report]]:
    """What became of a payment's money in order, and the same told in any order, some of it
    twice. A refund that failed is told of at the end once more, as the next look would."""
    in_order: list[Report] = []
    last: list[Report] = []
    sends_back = False
    for nth in range(draw(st.integers(0, 3))):
        amount = Money(draw(st.integers(1, 333)), "USD")
        states = draw(st.sampled_from(REFUNDS_GO))
        sends_back = sends_back or states[-1] is FAILED
        reports = [GatewayRefund(f"re_{nth}", amount, state) for state in states]
        in_order += reports
        last += reports[-1:] if states[-1] is FAILED else []
    # With a refund sent back, or a loss that was won on appeal, an open dispute leaves what was
    # forced to be sorted out at its end.
    appeals = draw(st.booleans())
    ways = [
        way
        for way in DISPUTES_GO
        if (way[-1] is not OPEN or not (sends_back or appeals)) and (appeals or way != APPEAL)
    ]
    for nth in range(draw(st.integers(0, 2))):
        amount = Money(draw(st.integers(1, 1000)), "USD")
        in_order += [
            GatewayDispute(f"dp_{nth}", amount, state) for state in draw(st.sampled_from(ways))
        ]
    some = draw(st.lists(st.sampled_from(in_order), max_size=6)) if in_order else []
    return in_order, [*draw(st.permutations(in_order + some)), *last]


def after(reports: list[Report], spent: int) -> World:
    world = World()
    world.open_payment(credits=97)
    world.settle()
    world.grant(10, priority=9)
    if spent:
        world.deduct(spent)
    for report in reports:
        if isinstance(report, GatewayRefund):
            world.record_refund(report)
        else:
            world.do(p.RecordDispute, payment_id="pay_1", dispute=report)
    return world


@given(history=histories(), spent=st.integers(0, 107))
@settings(max_examples=120)
def test_refunds_and_disputes_in_any_order_and_told_twice_end_in_the_same_state(
    history: tuple[list[Report], list[Report]], spent: int
) -> None:
    worlds = [after(reports, spent) for reports in history]
    ordered, shuffled = worlds
    assert figures(shuffled) == figures(ordered)
    assert shuffled.wallet.held == ordered.wallet.held == 0
    kept = []
    for world in worlds:
        payment = world.stored_payment("pay_1")
        disputes = {(d.id, d.state) for d in payment.disputes}
        refunds = {(r.id, r.state) for r in payment.refunds if r.state is not FAILED}
        kept.append((payment.status, payment.refunded_minor, disputes, refunds))
        taken = sum(r.clawed for r in payment.refunds) + sum(d.clawed for d in payment.disputes)
        assert world.wallet.available - world.wallet.debt == 97 + 10 - spent - taken
        assert taken <= 97
        if not payment.disputes:
            assert taken == 97 * payment.refunded_minor // 1000
        open_now = any(d.state is OPEN for d in payment.disputes)
        lost = any(d.state is LOST for d in payment.disputes)
        stopped = StopCause.DISPUTE in world.wallet.causes(PARAPHRASE)
        assert stopped or not open_now
        assert not stopped or open_now or (lost and world.wallet.debt)
    assert kept[0] == kept[1]
