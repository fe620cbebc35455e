"""What is refused, with every fact that a client can act on, and in which order it is judged."""

import pytest

from shothik_payment.domain.errors import (
    AlreadyReversed,
    BlockingHold,
    CaptureExceedsHold,
    Conflict,
    HoldClosed,
    HoldExpired,
    InsufficientCredits,
    InvalidRequest,
    LimitReached,
    NotFound,
    NotReversible,
    ReversalExceedsTransaction,
    UserFrozen,
    WrongService,
)
from shothik_payment.domain.ledger import commands as c
from shothik_payment.domain.ledger import payment_commands as p
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import DisputeState, RefundState
from shothik_payment.domain.model.time import HOUR, MINUTE
from shothik_payment.domain.ports.gateway import GatewayRefund
from tests.support.world import PARAPHRASE, SLIDE, T0, World, key


@pytest.fixture
def world() -> World:
    return World()


def test_too_few_credits_are_told_with_all_the_facts(world: World) -> None:
    world.grant(100)
    late = world.hold(10, ttl_ms=HOUR, service=SLIDE)
    soon = world.hold(20, ttl_ms=MINUTE)
    error = world.refusal(InsufficientCredits, c.Deduct, amount=71, service=PARAPHRASE)
    assert error.details() == {
        "available": 70,
        "held": 30,
        "required": 71,
        "holds": [
            BlockingHold(soon.id, PARAPHRASE, 20, T0 + MINUTE),
            BlockingHold(late.id, SLIDE, 10, T0 + HOUR),
        ],
        "next_hold_ends_at": T0 + MINUTE,
    }
    assert error.message == "71 credits are required, 70 are available."


def test_a_user_never_seen_has_nothing(world: World) -> None:
    error = world.refusal(InsufficientCredits, c.Deduct, amount=1, service=PARAPHRASE)
    assert error.details() == {
        "available": 0,
        "held": 0,
        "required": 1,
        "holds": [],
        "next_hold_ends_at": None,
    }
    assert world.last_change is None
    assert world.wallet.version == 0


def test_of_many_holds_the_ten_that_end_first_are_told(world: World) -> None:
    world.grant(12)
    holds = [world.hold(1, ttl_ms=(20 - n) * 1000) for n in range(12)]
    error = world.refusal(InsufficientCredits, c.Deduct, amount=1, service=PARAPHRASE)
    assert [hold.id for hold in error.holds] == [hold.id for hold in reversed(holds)][:10]
    assert error.next_hold_ends_at == holds[-1].expires_at


@pytest.mark.parametrize("change", ["grant", "hold", "release", "adjust", "reverse"])
def test_only_deductions_and_captures_can_be_reversed(world: World, change: str) -> None:
    world.grant(10)
    hold = world.hold(1)
    row = {
        "grant": lambda: world.rows[0],
        "hold": lambda: world.rows[1],
        "release": lambda: world.release(hold),
        "adjust": lambda: world.adjust(-1),
        "reverse": lambda: world.reverse(world.deduct(1)),
    }[change]()
    error = world.refusal(
        NotReversible, c.Reverse, transaction_id=row.id, service=PARAPHRASE, amount=1
    )
    assert error.details() == {"transaction_id": row.id, "kind": change}


def test_a_reversal_is_judged_in_a_written_order(world: World) -> None:
    """not_found, not_reversible, wrong_service, already_reversed, reversal_exceeds_transaction."""
    world.grant(10)
    granted, spent = world.rows[0], world.deduct(5)

    def refusal(error, row_id, service, amount):  # type: ignore[no-untyped-def]
        fields = {"transaction_id": row_id, "service": service, "amount": amount}
        return world.refusal(error, c.Reverse, **fields)

    assert refusal(NotFound, "txn_nope", SLIDE, 99).details() == {
        "kind": "transaction",
        "id": "txn_nope",
    }
    refusal(NotReversible, granted.id, SLIDE, 99)
    assert refusal(WrongService, spent.id, SLIDE, 99).service == SLIDE
    assert refusal(ReversalExceedsTransaction, spent.id, PARAPHRASE, 6).reversible == 5
    world.reverse(spent)
    refusal(WrongService, spent.id, SLIDE, 99)
    error = refusal(AlreadyReversed, spent.id, PARAPHRASE, 99)
    assert error.details() == {"transaction_id": spent.id, "amount": 5}


def test_another_users_transaction_or_hold_is_not_found(world: World) -> None:
    world.grant(10)
    row, hold = world.deduct(1), world.hold(1)
    world.user = "u2"
    world.refusal(NotFound, c.Reverse, transaction_id=row.id, service=PARAPHRASE)
    world.refusal(NotFound, c.CaptureHold, hold_id=hold.id, service=PARAPHRASE)


def test_ending_a_hold_is_judged_in_a_written_order(world: World) -> None:
    """not_found, wrong_service, hold_expired or hold_closed, capture_exceeds_hold."""
    world.grant(30)
    hold = world.hold(5, ttl_ms=MINUTE)
    error = world.refusal(NotFound, c.CaptureHold, hold_id="hold_x", service=SLIDE, amount=9)
    assert error.details() == {"kind": "hold", "id": "hold_x"}
    world.refusal(WrongService, c.CaptureHold, hold_id=hold.id, service=SLIDE, amount=9)
    world.refusal(WrongService, c.ReleaseHold, hold_id=hold.id, service=SLIDE)
    over = world.refusal(
        CaptureExceedsHold, c.CaptureHold, hold_id=hold.id, service=PARAPHRASE, amount=6
    )
    assert over.details() == {"requested": 6, "held": 5}
    assert (world.wallet.held, len(world.wallet.holds)) == (5, 1)
    world.capture(hold, 5)
    for kind in (c.CaptureHold, c.ReleaseHold):
        closed = world.refusal(HoldClosed, kind, hold_id=hold.id, service=PARAPHRASE)
        assert closed.details() == {"hold_id": hold.id, "status": "captured"}
    world.refusal(WrongService, c.CaptureHold, hold_id=hold.id, service=SLIDE, amount=9)


def test_a_released_hold_is_closed(world: World) -> None:
    world.grant(30)
    hold = world.hold(5)
    world.release(hold)
    closed = world.refusal(HoldClosed, c.CaptureHold, hold_id=hold.id, service=PARAPHRASE)
    assert closed.status == "released"


@pytest.mark.parametrize("booked", [True, False])
def test_a_hold_past_its_end_has_expired_booked_or_not(world: World, booked: bool) -> None:
    world.grant(30)
    hold = world.hold(5, ttl_ms=MINUTE)
    world.now = T0 + MINUTE
    if booked:
        world.expire()
    for kind in (c.CaptureHold, c.ReleaseHold):
        error = world.refusal(HoldExpired, kind, hold_id=hold.id, service=PARAPHRASE)
        assert error.details() == {"hold_id": hold.id, "expires_at": T0 + MINUTE}
    assert world.wallet.held == 0


def test_spending_is_judged_frozen_first_then_by_what_is_there(world: World) -> None:
    world.freeze()
    assert world.refusal(UserFrozen, c.Deduct, amount=1, service="s").details() == {"user_id": "u1"}
    world.refusal(UserFrozen, c.PlaceHold, amount=1, service="s", ttl_ms=1)
    world.unfreeze()
    world.refusal(InsufficientCredits, c.Deduct, amount=1, service="s")


def test_a_hold_too_many_is_refused_before_the_credits_are_counted() -> None:
    world = World(max_open_holds=2)
    world.grant(2)
    world.hold(1)
    first = world.hold(1)
    error = world.refusal(LimitReached, c.PlaceHold, amount=1, service="s", ttl_ms=1)
    assert error.details() == {"what": "holds", "limit": 2}
    world.release(first)
    world.hold(1)


def test_an_admin_opens_no_grant_too_many_but_nobody_who_paid_is_refused() -> None:
    world = World(max_open_grants=2)
    world.grant(1)
    world.adjust(1)
    error = world.refusal(LimitReached, c.Adjust, amount=1, reason="r")
    assert error.details() == {"what": "grants", "limit": 2}
    world.open_payment()
    world.settle()
    assert world.wallet.available == 102


@pytest.mark.parametrize("ends", [T0 - 1, T0])
def test_an_adjustment_cannot_end_in_the_past(world: World, ends: int) -> None:
    error = world.refusal(InvalidRequest, c.Adjust, amount=5, reason="r", expires_at=ends)
    assert [problem.path for problem in error.fields] == ["expiresAt"]
    assert world.adjust(5, expires_at=T0 + 1).amount == 5


def test_an_adjustment_takes_no_more_than_there_is(world: World) -> None:
    world.grant(5)
    error = world.refusal(InsufficientCredits, c.Adjust, amount=-6, reason="r")
    assert (error.available, error.required) == (5, 6)


def test_frozen_stops_spending_and_nothing_else(world: World) -> None:
    world.grant(50, payment_id="pay_0")
    row, first, second = world.deduct(5), world.hold(5), world.hold(5)
    world.open_payment()
    world.freeze()
    world.refusal(UserFrozen, c.Deduct, amount=1, service=PARAPHRASE)
    world.refusal(UserFrozen, c.PlaceHold, amount=1, service=PARAPHRASE, ttl_ms=1)
    world.refusal(UserFrozen, p.OpenPayment, payment=world.payment("pay_2"))
    world.reverse(row)
    world.capture(first)
    world.release(second)
    world.grant(1)
    world.adjust(1)
    world.adjust(-1)
    world.settle()
    world.claw_back(1, "pay_0")
    begun = world.begin_refund(500)
    told = GatewayRefund("re_1", Money(500, "USD"), RefundState.SUCCEEDED, begun.id)
    world.record_refund(told)
    world.record_dispute(DisputeState.OPEN, 500)
    world.record_dispute(DisputeState.WON, 500)
    world.expire()
    assert world.wallet.available == 50 - 5 + 1 + 50 - 1
    assert world.wallet.status == "frozen"


def test_freezing_twice_and_unfreezing_the_unfrozen_conflict(world: World) -> None:
    world.refusal(Conflict, c.Unfreeze, reason="r")
    world.freeze()
    world.refusal(Conflict, c.Freeze, reason="r")
    world.unfreeze()
    assert world.wallet.status == "active"


def test_a_refusal_leaves_nothing_behind(world: World) -> None:
    world.grant(5)
    row = world.deduct(2)
    world.open_payment(credits=1)
    world.settle()
    world.deduct(1)
    before = repr(world.state.user("u1"))
    for kind, fields in (
        (c.Deduct, {"amount": 4, "service": PARAPHRASE}),
        (c.PlaceHold, {"amount": 4, "service": PARAPHRASE, "ttl_ms": 1}),
        (c.Adjust, {"amount": -4, "reason": "r"}),
        (c.Reverse, {"transaction_id": row.id, "service": PARAPHRASE, "amount": 3}),
        (c.CaptureHold, {"hold_id": "hold_x", "service": PARAPHRASE}),
        (p.SettlePayment, {"payment_id": "pay_x", "paid": None}),
        (
            p.BeginRefund,
            {
                "payment_id": "pay_1",
                "refund_id": "r",
                "next_check_at": T0,
                "amount_minor": 1001,
                "request": key("r"),
            },
        ),
        (p.FailRefund, {"payment_id": "pay_1", "refund_id": "r", "failure_code": "no"}),
        (p.AcceptPayment, {"payment_id": "pay_1", "reason": "r", "request": key("a")}),
        (p.PostponeCheck, {"payment_id": "pay_1", "seen": T0, "next_check_at": T0}),
        (c.Unfreeze, {"reason": "r"}),
    ):
        (outcome,) = world.batch(world.command(kind, **fields))
        assert outcome.refusal is not None
        assert world.last_change is None
    assert repr(world.state.user("u1")) == before
