"""Payments that wait: for money on its way, and for somebody to look at them."""

import pytest

from shothik_payment.domain.errors import Conflict
from shothik_payment.domain.ledger import payment_commands as p
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import PaymentStatus, RefundState
from shothik_payment.domain.ports.gateway import GatewayRefund
from tests.support.world import TEN_DOLLARS, World, key

CLOSED = [PaymentStatus.FAILED, PaymentStatus.CANCELLED, PaymentStatus.EXPIRED]


@pytest.fixture
def world() -> World:
    return World()


# Authorised


def test_agreed_and_not_paid_yet_is_authorised_and_still_open(world: World) -> None:
    world.open_payment()
    world.heard()
    world.do(p.AuthorisePayment, payment_id="pay_1")
    stored = world.stored_payment("pay_1")
    assert stored.status is PaymentStatus.AUTHORISED
    assert stored.next_check_at is not None
    assert world.heard() == []
    world.do(p.AuthorisePayment, payment_id="pay_1")
    assert world.last_change is None
    world.settle()
    assert world.stored_payment("pay_1").status is PaymentStatus.PAID


@pytest.mark.parametrize("status", CLOSED)
def test_authorised_can_end_unpaid_and_what_is_final_is_not_authorised(
    world: World, status: PaymentStatus
) -> None:
    world.open_payment()
    world.do(p.AuthorisePayment, payment_id="pay_1")
    world.close_payment(status)
    world.do(p.AuthorisePayment, payment_id="pay_1")
    assert world.stored_payment("pay_1").status is status


# Review


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"paid": Money(999, "USD")}, "paid 9.99 USD, asked for 10.00 USD"),
        ({"paid": Money(1000, "BDT")}, "paid 10.00 BDT, asked for 10.00 USD"),
        ({"meant_for": "pay_2"}, "the gateway says that the money is for pay_2"),
        ({"session_id": "cs_other"}, "paid in another checkout, cs_other"),
    ],
)
def test_accepted_after_a_look_it_settles_once(
    world: World, told: dict[str, object], reason: str
) -> None:
    world.open_payment()
    world.heard()
    world.settle(**told)  # type: ignore[arg-type]
    stored = world.stored_payment("pay_1")
    assert (stored.status, stored.review_reason) == (PaymentStatus.REVIEW, reason)
    assert (stored.paid, stored.reference) == (told.get("paid", TEN_DOLLARS), "ref_pay_1")
    accept = {"payment_id": "pay_1", "reason": "looked", "request": key("a1")}
    accepted = world.do(p.AcceptPayment, **accept)
    assert accepted.payment is not None
    assert (accepted.payment.status, accepted.payment.review_reason) == (PaymentStatus.PAID, None)
    assert world.stored_payment("pay_1").review_note == "looked"
    assert world.told() == ["payment.completed", "credit.added"]
    again = world.do(p.AcceptPayment, **accept)
    assert (again.replayed, again.payment) == (True, world.stored_payment("pay_1"))
    world.refusal(Conflict, p.AcceptPayment, payment_id="pay_1", reason="again")
    assert world.settle(**told).replayed  # type: ignore[arg-type]
    assert world.wallet.available == 100


def test_paid_a_second_time_in_another_checkout_is_looked_at_and_grants_nothing_more(
    world: World,
) -> None:
    world.open_payment()
    world.settle(session_id="session_pay_1")
    world.heard()
    world.settle(session_id="cs_other", reference="ref_other")
    stored = world.stored_payment("pay_1")
    assert (stored.status, stored.reference) == (PaymentStatus.PAID, "ref_pay_1")
    assert stored.review_reason == "paid in another checkout, cs_other"
    assert (world.wallet.available, world.heard()) == (100, [])
    world.settle(session_id="cs_third")
    assert world.last_change is None
    world.do(p.AcceptPayment, payment_id="pay_1", reason="the second one was returned")
    assert world.stored_payment("pay_1").review_reason is None
    assert (world.wallet.available, world.heard()) == (100, [])


def test_what_is_not_under_review_cannot_be_accepted(world: World) -> None:
    world.open_payment()
    world.refusal(Conflict, p.AcceptPayment, payment_id="pay_1", reason="r")
    world.settle()
    world.refusal(Conflict, p.AcceptPayment, payment_id="pay_1", reason="r")
    assert world.wallet.available == 100


def test_a_refund_that_fails_brings_the_review_back(world: World) -> None:
    """We have the money, and no credits were granted."""
    world.open_payment()
    world.settle(paid=Money(999, "USD"))
    amount = Money(999, "USD")
    refunded = world.record_refund(GatewayRefund("re_1", amount, RefundState.SUCCEEDED))
    assert (refunded.status, refunded.review_reason) == (PaymentStatus.REFUNDED, None)
    back = world.record_refund(GatewayRefund("re_1", amount, RefundState.FAILED))
    assert (back.status, back.review_reason) == (PaymentStatus.REVIEW, "its refund has failed")
    world.do(p.AcceptPayment, payment_id="pay_1", reason="the payer wants the credits")
    assert world.wallet.available == 100


def test_what_was_paid_twice_stays_under_review_when_the_first_money_goes_back(
    world: World,
) -> None:
    world.open_payment()
    world.settle(session_id="session_pay_1")
    world.settle(session_id="cs_2", reference="ref_2")
    told = GatewayRefund("re_1", TEN_DOLLARS, RefundState.SUCCEEDED)
    payment = world.record_refund(told)
    assert payment.status is PaymentStatus.REFUNDED
    assert payment.review_reason == "paid in another checkout, cs_2"


def test_a_refund_taken_for_refused_and_done_after_all_counts(world: World) -> None:
    world.open_payment()
    world.settle()
    begun = world.begin_refund(500)
    world.do(p.FailRefund, payment_id="pay_1", refund_id=begun.id, failure_code="refused")
    told = GatewayRefund("re_1", Money(500, "USD"), RefundState.SUCCEEDED, begun.id)
    payment = world.record_refund(told)
    assert (payment.refunded_minor, world.wallet.available) == (500, 50)


def test_paid_as_asked_after_other_money_came_first(world: World) -> None:
    """The other money is still to be looked at; a refund returns what was asked for."""
    world.open_payment()
    world.settle(session_id="cs_2", reference="ref_2", paid=Money(100, "USD"))
    assert world.stored_payment("pay_1").status is PaymentStatus.REVIEW
    world.heard()
    world.settle(session_id="session_pay_1", meant_for="pay_1")
    stored = world.stored_payment("pay_1")
    assert (stored.status, stored.paid, stored.reference) == (
        PaymentStatus.PAID, TEN_DOLLARS, "ref_pay_1")  # fmt: skip
    assert stored.review_reason == "paid in another checkout, cs_2"
    assert world.told() == ["payment.completed", "credit.added"]
    assert world.settle(session_id="session_pay_1").replayed
    assert world.settle(session_id="cs_2", reference="ref_2", paid=Money(100, "USD")).replayed
    world.do(p.AcceptPayment, payment_id="pay_1", reason="returned at the gateway")
    assert world.wallet.available == 100
    told = GatewayRefund("re_1", TEN_DOLLARS, RefundState.SUCCEEDED)
    assert world.record_refund(told).status is PaymentStatus.REFUNDED
    assert world.wallet.available == 0


def test_paid_in_the_own_checkout_after_other_money_was_accepted(world: World) -> None:
    world.open_payment()
    world.settle(session_id="cs_2", reference="ref_2")
    world.do(p.AcceptPayment, payment_id="pay_1", reason="looked")
    world.settle(session_id="session_pay_1", reference="ref_1")
    stored = world.stored_payment("pay_1")
    assert (stored.status, stored.review_reason) == (PaymentStatus.PAID, "paid once more, ref_1")
    assert (stored.reference, world.wallet.available) == ("ref_2", 100)


def test_paid_in_the_own_checkout_after_other_money_was_returned(world: World) -> None:
    world.open_payment()
    world.settle(session_id="cs_2", reference="ref_2")
    world.record_refund(GatewayRefund("re_1", TEN_DOLLARS, RefundState.SUCCEEDED))
    world.settle(session_id="session_pay_1", reference="ref_1")
    assert world.stored_payment("pay_1").review_reason == "paid once more, ref_1"


def test_paid_once_more_is_said_while_other_money_is_on_its_way_back(world: World) -> None:
    world.open_payment()
    world.settle(session_id="cs_2", reference="ref_2")
    world.record_refund(GatewayRefund("re_1", TEN_DOLLARS, RefundState.PENDING))
    world.settle(session_id="session_pay_1", reference="ref_1")
    assert world.settle(session_id="session_pay_1", reference="ref_1").replayed
    payment = world.record_refund(GatewayRefund("re_1", TEN_DOLLARS, RefundState.SUCCEEDED))
    assert payment.status is PaymentStatus.REFUNDED
    assert payment.review_reason == "paid once more, ref_1"
