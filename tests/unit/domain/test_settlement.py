"""Payments: opened once, settled once, and paid after all whatever was said before."""

import pytest

from shothik_payment.domain import events as e
from shothik_payment.domain.errors import Conflict, NotFound, PaymentNotOpen
from shothik_payment.domain.ledger import commands as c
from shothik_payment.domain.ledger import payment_commands as p
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import PaymentStatus
from tests.support.world import T0, World, key

CLOSED = [PaymentStatus.FAILED, PaymentStatus.CANCELLED, PaymentStatus.EXPIRED]


@pytest.fixture
def world() -> World:
    return World()


def attach(world: World, session: str = "session_pay_1") -> None:
    world.do(p.AttachCheckout, payment_id="pay_1", session_id=session, payment_url="https://x/1")


def test_opening_records_the_intent_in_the_wallets_time(world: World) -> None:
    world.grant(1)
    world.now -= 1000
    outcome = world.do(p.OpenPayment, payment=world.payment("pay_1"))
    stored = world.stored_payment("pay_1")
    assert outcome.payment == stored
    assert stored.status is PaymentStatus.CREATED
    assert (stored.created_at, stored.updated_at) == (T0, T0)
    assert len(world.rows) == 1


def test_the_same_command_can_be_applied_again_to_the_same_start(world: World) -> None:
    payment = world.payment("pay_1", created_at=5, updated_at=6)
    world.do(p.OpenPayment, payment=payment)
    assert (payment.created_at, payment.updated_at) == (5, 6)


def test_a_payment_keeps_the_first_checkout(world: World) -> None:
    world.do(p.OpenPayment, payment=world.payment("pay_1"))
    attach(world, "first")
    stored = world.stored_payment("pay_1")
    assert (stored.status, stored.session_id, stored.payment_url) == (
        PaymentStatus.PENDING,
        "first",
        "https://x/1",
    )
    attach(world, "second")
    assert world.last_change is None
    assert world.stored_payment("pay_1").session_id == "first"


def test_paid_settles_once(world: World) -> None:
    world.open_payment()
    world.heard()
    outcome = world.settle()
    stored = world.stored_payment("pay_1")
    assert (stored.status, stored.next_check_at) == (PaymentStatus.PAID, None)
    row = outcome.transaction
    assert row is not None
    assert (row.kind, row.amount, row.payment_id) == ("grant", 100, "pay_1")
    (grant,) = world.wallet.grants
    assert (grant.source, grant.payment_id, grant.expires_at) == ("purchase", "pay_1", None)
    completed, added = (event.data for event in world.heard())
    assert completed == e.PaymentCompleted(
        "pay_1", "sandbox", "session_pay_1", 1000, "USD", 100, "credits_100"
    )
    assert isinstance(added, e.CreditAdded)
    assert added.payment_id == "pay_1"
    again = world.settle()
    assert again.replayed
    assert world.last_change is None
    assert world.wallet.available == 100


def test_told_twice_in_one_batch_it_settles_once(world: World) -> None:
    world.open_payment()
    paid = {"payment_id": "pay_1", "paid": Money(1000, "USD")}
    first, second = world.batch(
        world.command(p.SettlePayment, **paid), world.command(p.SettlePayment, **paid)
    )
    assert (first.replayed, second.replayed) == (False, True)
    assert world.wallet.available == 100


@pytest.mark.parametrize("status", CLOSED)
def test_paid_after_it_was_closed_settles_as_usual(world: World, status: PaymentStatus) -> None:
    world.open_payment()
    world.close_payment(status)
    assert world.stored_payment("pay_1").failure_code == "declined"
    world.settle()
    stored = world.stored_payment("pay_1")
    assert (stored.status, stored.failure_code) == (PaymentStatus.PAID, None)
    assert world.wallet.available == 100


@pytest.mark.parametrize(
    "paid", [Money(999, "USD"), Money(1001, "USD"), Money(1000, "BDT")], ids=str
)
@pytest.mark.parametrize("before", [None, *CLOSED])
def test_what_does_not_match_goes_to_review_and_grants_nothing(
    world: World, before: PaymentStatus | None, paid: Money
) -> None:
    world.open_payment()
    if before is not None:
        world.close_payment(before)
    world.heard()
    world.settle(paid=paid)
    stored = world.stored_payment("pay_1")
    assert (stored.status, stored.next_check_at) == (PaymentStatus.REVIEW, None)
    assert stored.review_reason == f"paid {paid}, asked for 10.00 USD"
    assert world.wallet.available == 0
    assert world.heard() == []
    # A later word does not settle it: somebody has to look.
    assert world.settle().replayed
    assert world.wallet.available == 0


@pytest.mark.parametrize("status", CLOSED)
def test_a_checkout_that_ended_unpaid_is_closed_once(world: World, status: PaymentStatus) -> None:
    world.open_payment()
    world.heard()
    world.close_payment(status)
    stored = world.stored_payment("pay_1")
    assert (stored.status, stored.next_check_at) == (status, None)
    told = [event.data for event in world.heard()]
    if status is PaymentStatus.FAILED:
        assert told == [
            e.PaymentFailed(
                "pay_1",
                "sandbox",
                "session_pay_1",
                1000,
                "USD",
                100,
                "credits_100",
                failure_code="declined",
            )
        ]
    else:
        assert told == []
    assert world.close_payment(status).replayed
    assert world.heard() == []


def test_what_is_final_is_not_closed_otherwise(world: World) -> None:
    world.open_payment()
    world.settle()
    for status in CLOSED:
        error = world.refusal(PaymentNotOpen, p.ClosePayment, payment_id="pay_1", status=status)
        assert error.details() == {"payment_id": "pay_1", "status": "paid"}
    assert world.stored_payment("pay_1").status is PaymentStatus.PAID


def test_an_abandoned_payment_has_failed_without_an_event(world: World) -> None:
    world.do(p.OpenPayment, payment=world.payment("pay_1"))
    world.do(p.AbandonPayment, payment_id="pay_1", failure_code="unavailable")
    stored = world.stored_payment("pay_1")
    assert (stored.status, stored.failure_code, stored.next_check_at) == (
        PaymentStatus.FAILED,
        "unavailable",
        None,
    )
    assert world.events == []


def test_a_payment_with_a_checkout_is_not_abandoned_nor_its_key_freed(world: World) -> None:
    bound = {"request": key("k"), "payment": world.payment("pay_1")}
    world.do(p.OpenPayment, **bound)
    attach(world)
    world.do(p.AbandonPayment, payment_id="pay_1", failure_code="x")
    assert world.last_change is None
    assert world.do(p.OpenPayment, **bound).replayed
    assert world.stored_payment("pay_1").status is PaymentStatus.PENDING


def test_an_abandoned_payment_whose_checkout_came_about_can_be_paid(world: World) -> None:
    world.do(p.OpenPayment, payment=world.payment("pay_1"))
    world.do(p.AbandonPayment, payment_id="pay_1", failure_code="unavailable")
    attach(world)
    stored = world.stored_payment("pay_1")
    assert (stored.status, stored.session_id) == (PaymentStatus.PENDING, "session_pay_1")
    assert (stored.failure_code, stored.next_check_at) == (None, T0)


@pytest.mark.parametrize("comes_again", [True, False])
def test_a_checkout_that_comes_late_is_shown_if_its_request_has_not_begun_anew(
    world: World, comes_again: bool
) -> None:
    world.do(p.OpenPayment, payment=world.payment("pay_1"), request=key("k"))
    world.do(p.AbandonPayment, payment_id="pay_1", failure_code="unavailable")
    if comes_again:
        world.do(p.OpenPayment, payment=world.payment("pay_2"), request=key("k"))
    attach(world)
    late = world.stored_payment("pay_1")
    expected = PaymentStatus.CANCELLED if comes_again else PaymentStatus.PENDING
    assert (late.status, late.session_id) == (expected, "session_pay_1")
    assert (late.payment_url is None) is comes_again
    again = world.do(p.OpenPayment, payment=world.payment("pay_3"), request=key("k"))
    assert again.replayed
    assert again.payment == world.stored_payment("pay_2" if comes_again else "pay_1")


def test_an_expired_payment_is_given_no_link(world: World) -> None:
    world.do(p.OpenPayment, payment=world.payment("pay_1"))
    world.close_payment(PaymentStatus.EXPIRED)
    attach(world)
    stored = world.stored_payment("pay_1")
    assert (stored.status, stored.payment_url) == (PaymentStatus.EXPIRED, None)


def test_a_payment_settled_before_its_checkout_was_attached_learns_of_it(world: World) -> None:
    world.do(p.OpenPayment, payment=world.payment("pay_1"))
    world.settle()
    attach(world)
    stored = world.stored_payment("pay_1")
    assert (stored.status, stored.session_id) == (PaymentStatus.PAID, "session_pay_1")
    assert stored.next_check_at is None


def test_of_two_sweeps_at_once_one_postpones_the_check_and_asks(world: World) -> None:
    world.open_payment()
    seen = world.stored_payment("pay_1").next_check_at
    postpone = {"payment_id": "pay_1", "next_check_at": T0 + 99}
    world.do(p.PostponeCheck, seen=seen, **postpone)
    stored = world.stored_payment("pay_1")
    assert (stored.checks, stored.next_check_at) == (1, T0 + 99)
    world.refusal(Conflict, p.PostponeCheck, seen=seen, **postpone)
    assert world.stored_payment("pay_1").checks == 1
    world.settle()
    world.refusal(Conflict, p.PostponeCheck, seen=T0 + 99, **postpone)
    assert world.last_change is None
    assert world.stored_payment("pay_1").next_check_at is None


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (p.AttachCheckout, {"session_id": "s", "payment_url": "u"}),
        (p.AbandonPayment, {"failure_code": "x"}),
        (p.SettlePayment, {"paid": Money(1000, "USD")}),
        (p.ClosePayment, {"status": PaymentStatus.FAILED}),
        (p.PostponeCheck, {"seen": T0, "next_check_at": T0}),
        (p.AuthorisePayment, {}),
        (p.AcceptPayment, {"reason": "r"}),
        (p.BeginRefund, {"refund_id": "rfd_1", "amount_minor": 1, "next_check_at": T0}),
        (p.FailRefund, {"refund_id": "rfd_1", "failure_code": "no"}),
        (p.RecordRefund, {"refund": None}),
        (p.RecordDispute, {"dispute": None}),
    ],
)
def test_another_users_payment_is_not_found(
    world: World, kind: type[c.Command], fields: dict[str, object]
) -> None:
    world.open_payment()
    world.user = "u2"
    error = world.refusal(NotFound, kind, payment_id="pay_1", **fields)
    assert error.details() == {"kind": "payment", "id": "pay_1"}
