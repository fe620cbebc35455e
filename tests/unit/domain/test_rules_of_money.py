"""Section 5 of the contract: spending, burn order, expiry, rows. One rule a test."""

import pytest

from shothik_payment.domain.errors import InsufficientCredits
from shothik_payment.domain.ledger import commands as c
from shothik_payment.domain.model.grant import GrantSource
from shothik_payment.domain.model.time import HOUR, MINUTE
from shothik_payment.domain.model.transaction import GrantPart, TransactionKind
from tests.support.world import T0, World


@pytest.fixture
def world() -> World:
    return World()


def kinds(world: World) -> list[str]:
    return [row.kind for row in world.rows]


def left(world: World) -> dict[str, tuple[int, int]]:
    return {grant.id: (grant.available, grant.held) for grant in world.wallet.grants}


# Never overdraw


def test_a_deduction_takes_up_to_what_is_available_and_never_more(world: World) -> None:
    world.grant(10)
    world.refusal(InsufficientCredits, c.Deduct, amount=11, service="s")
    assert world.wallet.available == 10
    world.deduct(10)
    assert world.wallet.available == 0
    world.refusal(InsufficientCredits, c.Deduct, amount=1, service="s")
    assert kinds(world) == ["grant", "deduct"]


def test_held_credits_cannot_be_spent(world: World) -> None:
    world.grant(10)
    world.hold(7)
    world.refusal(InsufficientCredits, c.Deduct, amount=4, service="s")
    world.refusal(InsufficientCredits, c.PlaceHold, amount=4, service="s", ttl_ms=1000)
    world.refusal(InsufficientCredits, c.Adjust, amount=-4, reason="r")
    world.deduct(3)
    assert (world.wallet.available, world.wallet.held) == (0, 7)


def test_many_deductions_in_one_batch_stop_at_nothing(world: World) -> None:
    world.grant(100)
    commands = [world.command(c.Deduct, amount=1, service="s") for _ in range(150)]
    outcomes = world.batch(*commands)
    assert [o.refusal is None for o in outcomes] == [True] * 100 + [False] * 50
    assert world.wallet.available == 0


# Burn order


def test_the_lower_priority_number_is_spent_first(world: World) -> None:
    late = world.grant(5, priority=1, expires_at=T0 + HOUR)
    first = world.grant(5, priority=0)
    assert world.deduct(6).parts == [GrantPart(first, -5, 0), GrantPart(late, -1, 0)]


def test_of_one_priority_the_soonest_end_is_spent_first_and_no_end_last(world: World) -> None:
    never = world.grant(5)
    later = world.grant(5, expires_at=T0 + 2 * HOUR)
    soon = world.grant(5, expires_at=T0 + HOUR)
    assert [part.grant_id for part in world.deduct(15).parts] == [soon, later, never]


def test_of_one_end_the_oldest_is_spent_first(world: World) -> None:
    # Ids that sort the other way, so that only the age can decide.
    old = world.grant(5, id="zzzz", expires_at=T0 + HOUR)
    world.now += 1
    young = world.grant(5, id="aaaa", expires_at=T0 + HOUR)
    assert [part.grant_id for part in world.deduct(10).parts] == [old, young]


def test_of_one_age_the_lowest_id_is_spent_first(world: World) -> None:
    second = world.grant(5, id="bbbb")
    first = world.grant(5, id="aaaa")
    assert [part.grant_id for part in world.deduct(10).parts] == [first, second]


def test_an_end_at_the_epoch_is_not_mistaken_for_none(world: World) -> None:
    world.now = 0
    never = world.grant(5)
    soon = world.grant(5, expires_at=1)
    assert world.deduct(5).parts == [GrantPart(soon, -5, 0)]
    assert left(world) == {never: (5, 0)}


def test_a_hold_reserves_in_burn_order_too(world: World) -> None:
    never = world.grant(5)
    soon = world.grant(5, expires_at=T0 + HOUR)
    assert world.hold(7).parts == [(soon, 5), (never, 2)]
    assert left(world) == {soon: (0, 5), never: (3, 2)}


def test_a_negative_adjustment_burns_in_order(world: World) -> None:
    world.grant(5)
    soon = world.grant(5, expires_at=T0 + HOUR)
    assert world.adjust(-3).parts == [GrantPart(soon, -3, 0)]


# Expiry


def test_a_grant_lives_up_to_its_end_and_not_at_it(world: World) -> None:
    world.grant(5, expires_at=T0 + HOUR)
    world.now = T0 + HOUR - 1
    world.deduct(1)
    world.now = T0 + HOUR
    error = world.refusal(InsufficientCredits, c.Deduct, amount=1, service="s")
    assert error.available == 0


def test_every_command_books_first_what_has_expired(world: World) -> None:
    gone = world.grant(5, expires_at=T0 + HOUR, payment_id="pay_1")
    world.grant(9)
    world.now = T0 + HOUR
    world.deduct(4)
    expire, deduct = world.rows[-2:]
    assert (expire.kind, expire.amount, expire.available_delta) == ("expire", 5, -5)
    assert expire.parts == [GrantPart(gone, -5, 0)]
    assert expire.payment_id == "pay_1"
    assert (expire.balance_before, expire.balance_after) == (14, 9)
    assert (deduct.balance_before, deduct.balance_after) == (9, 5)


def test_a_refused_command_books_what_has_expired_all_the_same(world: World) -> None:
    world.grant(5, expires_at=T0 + HOUR)
    world.grant(2)
    world.now = T0 + HOUR
    error = world.refusal(InsufficientCredits, c.Deduct, amount=5, service="s")
    assert error.available == 2
    assert kinds(world) == ["grant", "grant", "expire"]


def test_an_expire_command_with_nothing_due_changes_nothing(world: World) -> None:
    world.grant(5, expires_at=T0 + HOUR)
    version = world.wallet.version
    world.expire()
    assert world.last_change is None
    assert world.wallet.version == version


def test_grants_that_end_together_are_one_row_each(world: World) -> None:
    world.grant(5, expires_at=T0 + 1000)
    world.grant(6, expires_at=T0 + 2000)
    world.now = T0 + 2000
    world.expire()
    assert [(r.kind, r.amount) for r in world.rows[2:]] == [("expire", 5), ("expire", 6)]
    assert world.wallet.grants == []


def test_time_is_the_later_of_the_clock_and_the_last_row(world: World) -> None:
    world.grant(5)
    world.now = T0 - HOUR
    row = world.deduct(1)
    assert row.at == T0
    assert world.hold(1, ttl_ms=1000).expires_at == T0 + 1000


def test_a_clock_that_went_back_brings_nothing_expired_back(world: World) -> None:
    world.grant(5, expires_at=T0 + HOUR)
    world.grant(5)
    world.now = T0 + HOUR
    world.deduct(1)
    world.now = T0
    error = world.refusal(InsufficientCredits, c.Deduct, amount=5, service="s")
    assert error.available == 4


# Rows


def test_each_kind_moves_available_and_held_as_the_vocabulary_says(world: World) -> None:
    world.grant(100, payment_id="pay_1", source=GrantSource.PURCHASE)
    world.reverse(world.deduct(10), 4)
    world.capture(world.hold(9))
    world.release(world.hold(8))
    world.adjust(7)
    world.adjust(-6)
    world.claw_back(5, "pay_1")
    world.grant(3, expires_at=T0 + 1)
    world.now = T0 + 1
    world.expire()
    assert [(r.kind, r.amount, r.available_delta, r.held_delta) for r in world.rows] == [
        (TransactionKind.GRANT, 100, 100, 0),
        (TransactionKind.DEDUCT, 10, -10, 0),
        (TransactionKind.REVERSE, 4, 4, 0),
        (TransactionKind.HOLD, 9, -9, 9),
        (TransactionKind.CAPTURE, 9, 0, -9),
        (TransactionKind.HOLD, 8, -8, 8),
        (TransactionKind.RELEASE, 8, 8, -8),
        (TransactionKind.ADJUST, 7, 7, 0),
        (TransactionKind.ADJUST, 6, -6, 0),
        (TransactionKind.CLAWBACK, 5, -5, 0),
        (TransactionKind.GRANT, 3, 3, 0),
        (TransactionKind.EXPIRE, 3, -3, 0),
    ]


def test_row_numbers_have_no_gap_and_balances_chain(world: World) -> None:
    world.grant(10, expires_at=T0 + MINUTE)
    world.hold(3)
    world.now = T0 + HOUR
    world.refusal(InsufficientCredits, c.Deduct, amount=50, service="s")
    world.grant(5)
    world.deduct(1)
    assert [row.number for row in world.rows] == list(range(1, len(world.rows) + 1))
    assert world.wallet.rows == len(world.rows)
    balance = 0
    for row in world.rows:
        assert row.balance_before == balance
        balance += row.available_delta
        assert row.balance_after == balance


def test_a_row_says_what_caused_it(world: World) -> None:
    world.grant(10, reason="welcome", payment_id="pay_1")
    row = world.deduct(2, feature="humanize", metadata={"pages": 3})
    assert (row.service, row.feature, row.metadata) == (
        "paraphrase_service",
        "humanize",
        {"pages": 3},
    )
    granted = world.rows[0]
    assert (granted.reason, granted.payment_id) == ("welcome", "pay_1")
    back = world.reverse(row, reason="job failed")
    assert (back.reverses, back.service, back.feature, back.reason) == (
        row.id,
        "paraphrase_service",
        "humanize",
        "job failed",
    )
    hold = world.hold(2, feature="long", metadata={"a": 1})
    assert world.rows[-1].metadata == {"a": 1}
    captured = world.capture(hold)
    assert (captured.hold_id, captured.feature) == (hold.id, "long")


def test_a_hold_says_what_it_is(world: World) -> None:
    world.grant(10)
    hold = world.hold(4, feature="f")
    assert (hold.amount, hold.captured, hold.status, hold.feature) == (4, 0, "active", "f")
    assert (hold.created_at, hold.expires_at) == (T0, T0 + 15 * MINUTE)
    assert hold.user_id == "u1"


def test_ids_carry_the_bucket_of_their_user_and_tell_users_apart(world: World) -> None:
    world.grant(1, id="same")
    world.user = "u2"
    world.grant(1, id="same")
    mine, other = world.state.user("u1").rows[0].id, world.rows[0].id
    assert mine != other
    assert mine.startswith("txn_")
