"""Request keys: what was done binds the key, a refusal binds nothing."""

import pytest

from shothik_payment.domain.errors import (
    IdempotencyKeyReused,
    InsufficientCredits,
    NotFound,
    UserFrozen,
)
from shothik_payment.domain.ledger import commands as c
from shothik_payment.domain.ledger import payment_commands as p
from shothik_payment.domain.model.hold import HoldStatus
from shothik_payment.domain.model.time import DAY, HOUR
from shothik_payment.domain.use_cases.requests import bind
from tests.support.world import PARAPHRASE, T0, World, key

DEDUCT = {"amount": 3, "service": PARAPHRASE}


@pytest.fixture
def world() -> World:
    world = World()
    world.grant(10)
    return world


def test_a_repeat_gives_what_was_done_and_does_nothing(world: World) -> None:
    first = world.do(c.Deduct, **DEDUCT, request=key("r1"))
    assert not first.replayed
    world.deduct(1)
    world.now += 7 * DAY
    again = world.do(c.Deduct, **DEDUCT, request=key("r1"))
    assert again.replayed
    assert again.transaction == first.transaction
    assert again.transaction is not None
    assert again.transaction.new_balance == 7
    assert world.last_change is None
    assert world.wallet.available == 6


def test_a_bound_row_carries_key_and_fingerprint_and_other_rows_do_not(world: World) -> None:
    world.grant(5, expires_at=T0 + HOUR)
    world.now = T0 + HOUR
    row = world.deduct(1, request=key("r1", b"print"))
    bound = [r.id for r in world.rows if r.request_key is not None]
    assert bound == [row.id]
    assert (row.request_id, row.request_key, row.fingerprint) == (
        "r1",
        "caller deduct r1",
        b"print",
    )
    assert [r.fingerprint for r in world.rows if r.id != row.id] == [None] * 3


def test_another_body_under_the_key_is_refused_and_the_key_keeps_its_meaning(
    world: World,
) -> None:
    world.deduct(3, request=key("r1", b"three"))
    error = world.refusal(
        IdempotencyKeyReused, c.Deduct, amount=4, service=PARAPHRASE, request=key("r1", b"four")
    )
    assert error.details() == {}
    assert world.last_change is None
    assert world.do(c.Deduct, **DEDUCT, request=key("r1", b"three")).replayed


def test_a_refusal_binds_nothing_and_is_judged_again(world: World) -> None:
    asked = {"amount": 30, "service": PARAPHRASE, "request": key("r1")}
    world.refusal(InsufficientCredits, c.Deduct, **asked)
    world.refusal(InsufficientCredits, c.Deduct, **asked)
    world.grant(100)
    done = world.do(c.Deduct, **asked)
    assert not done.replayed
    assert world.wallet.available == 80


def test_what_was_done_is_recalled_where_it_could_not_be_asked_for_today(world: World) -> None:
    first = world.do(c.Deduct, **DEDUCT, request=key("r1"))
    gone = NotFound("pack", "p")
    again = world.do(c.Recall, refusal=gone, request=key("r1"))
    assert (again.transaction, again.replayed) == (first.transaction, True)
    world.refusal(IdempotencyKeyReused, c.Recall, refusal=gone, request=key("r1", b"other"))
    assert world.refusal(NotFound, c.Recall, refusal=gone, request=key("r2")) is gone
    assert world.last_change is None
    assert not world.do(c.Deduct, **DEDUCT, request=key("r2")).replayed


def test_what_was_refused_under_a_key_may_come_with_another_body(world: World) -> None:
    world.refusal(
        InsufficientCredits, c.Deduct, amount=30, service=PARAPHRASE, request=key("r1", b"30")
    )
    assert world.deduct(3, request=key("r1", b"3")).amount == 3


def test_a_repeat_inside_one_batch_is_one_row(world: World) -> None:
    commands = [world.command(c.Deduct, **DEDUCT, request=key("r1")) for _ in range(3)]
    outcomes = world.batch(*commands)
    assert [o.replayed for o in outcomes] == [False, True, True]
    assert {o.transaction.id for o in outcomes if o.transaction} == {world.rows[-1].id}
    assert world.wallet.available == 7


def test_another_body_inside_one_batch_is_refused(world: World) -> None:
    first, second = world.batch(
        world.command(c.Deduct, **DEDUCT, request=key("r1", b"a")),
        world.command(c.Deduct, **DEDUCT, request=key("r1", b"b")),
    )
    assert first.refusal is None
    assert type(second.refusal) is IdempotencyKeyReused


def test_a_refusal_inside_a_batch_binds_nothing_there_either(world: World) -> None:
    asked = {"amount": 15, "service": PARAPHRASE, "request": key("r1")}
    refused, _, served = world.batch(
        world.command(c.Deduct, **asked),
        world.command(c.Adjust, amount=5, reason="r"),
        world.command(c.Deduct, **asked),
    )
    assert type(refused.refusal) is InsufficientCredits
    assert served.refusal is None
    assert not served.replayed


def test_one_key_for_two_users_is_two_requests(world: World) -> None:
    world.deduct(3, request=key("r1"))
    world.user = "u2"
    world.grant(10)
    assert not world.do(c.Deduct, **DEDUCT, request=key("r1")).replayed


def test_a_replay_comes_before_everything_else(world: World) -> None:
    """Whoever has been served gets the same answer, though by now frozen, poor or past an end."""
    world.grant(5, expires_at=T0 + HOUR)
    world.do(c.Deduct, **DEDUCT, request=key("r1"))
    world.freeze()
    world.now = T0 + HOUR
    version = world.wallet.version
    assert world.do(c.Deduct, **DEDUCT, request=key("r1")).replayed
    assert world.wallet.version == version
    world.refusal(UserFrozen, c.Deduct, **DEDUCT, request=key("r2"))


def test_a_repeated_hold_gives_the_hold_as_it_was_placed(world: World) -> None:
    asked = {"amount": 4, "service": PARAPHRASE, "ttl_ms": 1000, "request": key("h1")}
    placed = world.do(c.PlaceHold, **asked)
    first = repr(placed.hold)
    assert repr(world.do(c.PlaceHold, **asked).hold) == first
    assert placed.hold is not None
    world.capture(placed.hold, 1)
    again = world.do(c.PlaceHold, **asked)
    assert repr(again.hold) == first
    assert again.transaction == placed.transaction
    assert world.state.user("u1").holds[placed.hold.id].status is HoldStatus.CAPTURED


@pytest.mark.parametrize("kind", [c.CaptureHold, c.ReleaseHold])
def test_a_repeated_capture_or_release_is_answered_though_the_hold_is_closed(
    world: World, kind: type[c.Command]
) -> None:
    hold = world.hold(4)
    asked = {"hold_id": hold.id, "service": PARAPHRASE, "request": key("x1")}
    first = world.do(kind, **asked)
    again = world.do(kind, **asked)
    assert again.replayed
    assert (again.transaction, again.hold) == (first.transaction, first.hold)


def test_the_row_of_a_partial_capture_binds_the_key_and_its_release_does_not(world: World) -> None:
    hold = world.hold(4)
    row = world.capture(hold, 1, request=key("x1"))
    assert row.kind == "capture"
    assert [r.kind for r in world.rows if r.request_key] == ["capture"]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (c.Adjust, {"amount": 5, "reason": "r"}),
        (c.Adjust, {"amount": -5, "reason": "r"}),
        (c.Clawback, {"amount": 5, "payment_id": "pay_1"}),
        (c.GrantCredits, {"amount": 5, "source": "promotion"}),
    ],
)
def test_every_other_movement_binds_its_key_too(
    world: World, kind: type[c.Command], fields: dict[str, object]
) -> None:
    first = world.do(kind, **fields, request=key("k1"))
    again = world.do(kind, **fields, request=key("k1"))
    assert again.replayed
    assert again.transaction == first.transaction
    assert world.last_change is None


def test_a_reversal_is_repeated_and_not_taken_for_a_second_part(world: World) -> None:
    row = world.deduct(6)
    asked = {"transaction_id": row.id, "service": PARAPHRASE, "amount": 2, "request": key("v1")}
    first = world.do(c.Reverse, **asked)
    assert world.do(c.Reverse, **asked).transaction == first.transaction
    assert world.wallet.available == 6


def test_freezing_binds_its_key_without_a_row(world: World) -> None:
    rows = len(world.rows)
    world.do(c.Freeze, reason="r", request=key("f1"))
    assert world.do(c.Freeze, reason="r", request=key("f1")).replayed
    world.refusal(IdempotencyKeyReused, c.Freeze, reason="s", request=key("f1", b"other"))
    world.do(c.Unfreeze, reason="r", request=key("f2"))
    assert world.do(c.Unfreeze, reason="r", request=key("f2")).replayed
    assert len(world.rows) == rows


def test_opening_a_payment_binds_its_key_and_giving_it_up_frees_it(world: World) -> None:
    opened = world.do(p.OpenPayment, payment=world.payment("pay_1"), request=key("p1"))
    again = world.do(p.OpenPayment, payment=world.payment("pay_2"), request=key("p1"))
    assert again.replayed
    assert again.payment == opened.payment
    assert list(world.state.user("u1").payments) == ["pay_1"]
    give_up = {"payment_id": "pay_1", "failure_code": "unavailable"}
    world.do(p.AbandonPayment, **give_up)
    anew = world.do(p.OpenPayment, payment=world.payment("pay_2"), request=key("p1", b"new"))
    assert not anew.replayed
    refused = {"payment": world.payment("pay_3"), "request": key("p1")}
    world.refusal(IdempotencyKeyReused, p.OpenPayment, **refused)


def test_giving_a_payment_up_leaves_a_key_that_is_bound_to_another(world: World) -> None:
    world.do(p.OpenPayment, payment=world.payment("pay_1"), request=key("p1"))
    give_up = {"payment_id": "pay_1", "failure_code": "unavailable"}
    world.do(p.AbandonPayment, **give_up)
    world.do(p.OpenPayment, payment=world.payment("pay_2"), request=key("p1"))
    world.do(p.AbandonPayment, **give_up)
    again = world.do(p.OpenPayment, payment=world.payment("pay_3"), request=key("p1"))
    assert again.replayed
    assert again.payment == world.stored_payment("pay_2")


def test_a_key_freed_and_bound_again_in_one_batch_stays_bound(world: World) -> None:
    world.do(p.OpenPayment, payment=world.payment("pay_1"), request=key("p1"))
    give_up = {"payment_id": "pay_1", "failure_code": "unavailable"}
    world.batch(
        world.command(p.AbandonPayment, **give_up),
        world.command(p.OpenPayment, payment=world.payment("pay_2"), request=key("p1")),
    )
    again = world.do(p.OpenPayment, payment=world.payment("pay_3"), request=key("p1"))
    assert again.replayed
    assert again.payment is not None
    assert again.payment.id == "pay_2"


def test_a_key_that_is_free_is_free_for_a_refusal_too(world: World) -> None:
    """What was refused stays so, though the first may have been given up in another way."""
    world.do(p.OpenPayment, payment=world.payment("pay_1"), request=key("p1"))
    world.do(p.AbandonPayment, payment_id="pay_1", failure_code="unavailable")
    world.do(c.Freeze, reason="r")
    world.refusal(UserFrozen, p.OpenPayment, payment=world.payment("pay_2"), request=key("p1"))
    assert world.state.user("u1").requests == {}
    world.do(c.Unfreeze, reason="r")
    anew = world.do(p.OpenPayment, payment=world.payment("pay_2"), request=key("p1"))
    assert not anew.replayed


def test_a_key_bound_and_freed_in_one_batch_is_free(world: World) -> None:
    give_up = {"payment_id": "pay_1", "failure_code": "unavailable"}
    world.batch(
        world.command(p.OpenPayment, payment=world.payment("pay_1"), request=key("p1")),
        world.command(p.AbandonPayment, **give_up),
    )
    anew = world.do(p.OpenPayment, payment=world.payment("pay_2"), request=key("p1", b"new"))
    assert not anew.replayed


def test_the_scope_of_a_key_is_caller_operation_and_key() -> None:
    assert bind("s", "POST /deduct", None, b"") is None
    bound = bind("s", "POST /deduct", "r1", b"f")
    assert bound is not None
    assert (bound.client_key, bound.fingerprint) == ("r1", b"f")
    others = [
        bind(caller, operation, client_key, b"f")
        for caller, operation, client_key in (
            ("t", "POST /deduct", "r1"),
            ("s", "POST /reverse", "r1"),
            ("s", "POST /deduct", "r2"),
        )
    ]
    assert bound.key not in {other.key for other in others if other}
