"""Disputes: what is unspent is taken, the user is stopped, and the bank's word decides the rest."""

from __future__ import annotations

import pytest

from shothik_payment.domain import events as e
from shothik_payment.domain.errors import PaymentNotRefundable
from shothik_payment.domain.ledger import payment_commands as p
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import DisputeState, PaymentStatus
from shothik_payment.domain.model.stop import StopCause
from shothik_payment.domain.model.time import DAY, HOUR, MINUTE
from tests.support.returns import purchase, refunded
from tests.support.world import PARAPHRASE, RESUME_ALL, SLIDE, STOP_ALL, T0, World

OPEN, WON, LOST = DisputeState.OPEN, DisputeState.WON, DisputeState.LOST


@pytest.fixture
def world() -> World:
    return purchase(others=50)


def figures(world: World) -> tuple[int, int]:
    return world.wallet.available, world.wallet.debt


def causes(world: World) -> list[StopCause]:
    return world.wallet.causes(PARAPHRASE)


# Opened


def test_opened_it_takes_the_payments_unspent_credits_and_stops_the_user(world: World) -> None:
    world.deduct(30)
    world.heard()
    payment = world.record_dispute(OPEN)
    assert figures(world) == (50, 0)
    assert (payment.status, payment.disputes[0].clawed) == (PaymentStatus.DISPUTED, 70)
    assert payment.next_check_at == T0 + 10 * MINUTE
    heard = world.heard()
    assert [event.data.routing_key() for event in heard] == ["credit.deducted", *STOP_ALL]
    assert heard[-1].data == e.ServiceStopUser(SLIDE, StopCause.DISPUTE, [StopCause.DISPUTE])


def test_opened_after_everything_is_spent_it_books_no_debt_and_stops_all_the_same(
    world: World,
) -> None:
    world.deduct(150)
    world.heard()
    payment = world.record_dispute(OPEN)
    assert (figures(world), payment.disputes[0].clawed) == ((0, 0), 0)
    # They heard of their stop before; this is one cause more.
    assert world.heard() == []
    assert causes(world) == [StopCause.CREDITS_GONE, StopCause.DISPUTE]


def test_taking_the_last_credits_is_one_stop_with_two_causes() -> None:
    world = World()
    world.open_payment()
    world.settle()
    world.heard()
    world.record_dispute(OPEN)
    heard = world.heard()
    assert [event.data.routing_key() for event in heard] == [
        "credit.deducted",
        "usage.limit_exceeded",
        *STOP_ALL,
    ]
    assert set(heard[-1].data.causes) == {  # type: ignore[attr-defined]
        StopCause.DISPUTE,
        StopCause.CREDITS_GONE,
    }


def test_of_a_part_its_share_is_in_question(world: World) -> None:
    payment = world.record_dispute(OPEN, 255)
    assert (figures(world), payment.disputes[0].clawed) == ((125, 0), 25)


def test_a_disputed_payment_is_not_refunded_by_us(world: World) -> None:
    world.record_dispute(OPEN)
    begin = {"payment_id": "pay_1", "refund_id": "r", "amount_minor": 1, "next_check_at": T0}
    error = world.refusal(PaymentNotRefundable, p.BeginRefund, **begin)
    assert error.status == "disputed"


def test_a_dispute_of_money_under_review_stops_and_takes_nothing(world: World) -> None:
    world.open_payment("pay_2")
    world.settle("pay_2", Money(1, "USD"))
    payment = world.record_dispute(OPEN, 1, "pay_2")
    assert (figures(world), causes(world)) == ((150, 0), [StopCause.DISPUTE])
    assert payment.status is PaymentStatus.REVIEW
    world.do(p.AcceptPayment, payment_id="pay_2", reason="looked")
    assert world.stored_payment("pay_2").status is PaymentStatus.DISPUTED
    assert figures(world) == (150, 0)


# Won


def test_won_the_credits_are_granted_again_and_the_user_resumes_at_once(world: World) -> None:
    world.deduct(30)
    world.record_dispute(OPEN)
    world.heard()
    payment = world.record_dispute(WON)
    assert figures(world) == (120, 0)
    assert (payment.status, payment.next_check_at) == (PaymentStatus.WON, None)
    assert payment.disputes[0].clawed == 0
    assert world.told() == ["credit.added", *RESUME_ALL]
    assert causes(world) == []


@pytest.mark.parametrize(
    ("ends", "after", "expected"),
    [
        (None, 30 * DAY, None),
        (100 * DAY, 30 * DAY, 100 * DAY),
        (HOUR, 2 * HOUR, 74 * HOUR),
        (80 * HOUR, 10 * HOUR, 82 * HOUR),
    ],
)
def test_what_is_granted_again_has_the_old_end_and_three_days_at_least(
    world: World, ends: int | None, after: int, expected: int | None
) -> None:
    expires = None if ends is None else T0 + ends
    world.open_payment("pay_2", credits_expire_at=expires)
    world.settle("pay_2")
    world.record_dispute(OPEN, payment_id="pay_2")
    world.now += after
    world.record_dispute(WON, payment_id="pay_2")
    (grant,) = (g for g in world.wallet.grants if g.payment_id == "pay_2")
    assert (grant.available, grant.source) == (100, "purchase")
    assert grant.expires_at == (None if expected is None else T0 + expected)


def test_what_a_won_dispute_gave_again_can_be_taken_for_a_refund(world: World) -> None:
    world.record_dispute(OPEN)
    world.record_dispute(WON)
    world.record_refund(refunded(1000))
    assert figures(world) == (50, 0)
    assert world.stored_payment("pay_1").status is PaymentStatus.REFUNDED


def test_heard_of_only_when_it_is_won_it_has_no_effect(world: World) -> None:
    payment = world.record_dispute(WON)
    assert (figures(world), payment.status) == ((150, 0), PaymentStatus.WON)
    assert world.heard() == []


# Lost


def test_lost_what_was_spent_is_debt_and_the_stop_stays_until_it_is_paid(world: World) -> None:
    world.deduct(30)
    world.record_dispute(OPEN)
    world.heard()
    world.now += 5
    payment = world.record_dispute(LOST)
    assert (figures(world), payment.disputes[0].clawed) == ((50, 30), 100)
    assert (payment.status, payment.next_check_at) == (PaymentStatus.LOST, None)
    assert world.heard() == []
    assert world.wallet.stopped_since(PARAPHRASE) == T0
    world.grant(29)
    assert world.told() == ["credit.added"]
    world.grant(2)
    assert figures(world) == (51, 0)
    assert world.told() == ["credit.added", *RESUME_ALL]


def test_lost_with_nothing_spent_the_user_resumes_at_once(world: World) -> None:
    world.record_dispute(OPEN)
    world.heard()
    world.record_dispute(LOST)
    assert figures(world) == (50, 0)
    assert world.told() == RESUME_ALL


def test_heard_of_only_when_it_is_lost_it_takes_everything_and_stops(world: World) -> None:
    world.deduct(30)
    world.heard()
    world.record_dispute(LOST)
    assert figures(world) == (50, 30)
    assert world.told() == ["credit.deducted", *STOP_ALL]


def test_two_lost_disputes_stop_the_user_once_until_the_debt_is_paid(world: World) -> None:
    world.deduct(100)
    world.heard()
    world.record_dispute(LOST, 400, dispute_id="dp_1")
    world.record_dispute(LOST, 600, dispute_id="dp_2")
    assert (figures(world), set(causes(world))) == ((50, 100), {StopCause.DISPUTE})
    assert world.told() == STOP_ALL
    world.grant(100)
    assert (figures(world), causes(world)) == ((50, 0), [])
    assert world.told() == ["credit.added", *RESUME_ALL]


# Several at a time


def test_of_two_open_disputes_the_user_resumes_with_the_last(world: World) -> None:
    world.record_dispute(OPEN, 300, dispute_id="dp_1")
    world.record_dispute(OPEN, 300, dispute_id="dp_2")
    assert figures(world) == (90, 0)
    world.heard()
    world.record_dispute(WON, 300, dispute_id="dp_1")
    assert (figures(world), world.told()) == ((120, 0), ["credit.added"])
    payment = world.record_dispute(LOST, 300, dispute_id="dp_2")
    assert (figures(world), world.told()) == ((120, 0), RESUME_ALL)
    assert payment.status is PaymentStatus.LOST


def test_two_disputes_of_the_whole_question_no_credit_twice(world: World) -> None:
    world.record_dispute(OPEN, dispute_id="dp_1")
    payment = world.record_dispute(OPEN, dispute_id="dp_2")
    assert figures(world) == (50, 0)
    assert [dispute.clawed for dispute in payment.disputes] == [100, 0]
    payment = world.record_dispute(WON, dispute_id="dp_1")
    assert figures(world) == (50, 0)
    assert [dispute.clawed for dispute in payment.disputes] == [0, 100]
    world.record_dispute(WON, dispute_id="dp_2")
    assert figures(world) == (150, 0)


# Twice, late, and in any order


@pytest.mark.parametrize("verdict", [OPEN, WON, LOST])
def test_told_twice_or_of_what_was_before_changes_nothing(
    world: World, verdict: DisputeState
) -> None:
    world.deduct(30)
    world.record_dispute(verdict)
    version = world.wallet.version
    world.record_dispute(verdict)
    world.record_dispute(OPEN)
    if verdict is WON:
        world.record_dispute(LOST)
    assert world.wallet.version == version


def test_what_was_lost_can_be_won_on_appeal(world: World) -> None:
    world.deduct(30)
    world.record_dispute(OPEN)
    world.record_dispute(LOST)
    assert (world.wallet.debt, causes(world)) == (30, [StopCause.DISPUTE])
    payment = world.record_dispute(WON)
    assert payment.status is PaymentStatus.WON
    assert (world.wallet.debt, world.wallet.available, causes(world)) == (0, figures(world)[0], [])
    assert sum(dispute.clawed for dispute in payment.disputes) == 0


def test_a_dispute_of_what_nobody_paid_is_none(world: World) -> None:
    world.open_payment("pay_2")
    world.record_dispute(OPEN, payment_id="pay_2")
    assert world.last_change is None
    assert causes(world) == []
