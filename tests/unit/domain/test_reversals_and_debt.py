"""Section 5 of the contract: reversals, clawbacks and the debt that they leave or pay."""

import pytest

from shothik_payment.domain.errors import AlreadyReversed, ReversalExceedsTransaction
from shothik_payment.domain.ledger import commands as c
from shothik_payment.domain.model.grant import GrantSource
from shothik_payment.domain.model.time import HOUR, MINUTE
from shothik_payment.domain.model.transaction import GrantPart
from tests.support.world import PARAPHRASE, T0, World


@pytest.fixture
def world() -> World:
    return World()


def left(world: World) -> dict[str, tuple[int, int]]:
    return {grant.id: (grant.available, grant.held) for grant in world.wallet.grants}


def test_a_reversal_gives_back_to_the_grants_it_came_from_last_taken_first(world: World) -> None:
    never = world.grant(5)
    soon = world.grant(5, expires_at=T0 + HOUR)
    row = world.deduct(8)
    assert world.reverse(row, 2).parts == [GrantPart(never, 2, 0)]
    assert world.reverse(row, 3).parts == [GrantPart(never, 1, 0), GrantPart(soon, 2, 0)]
    rest = world.reverse(row)
    assert rest.parts == [GrantPart(soon, 3, 0)]
    assert (rest.amount, rest.reversed_total) == (3, 8)
    assert left(world) == {soon: (5, 0), never: (5, 0)}


def test_parts_add_up_to_the_whole_and_no_further(world: World) -> None:
    world.grant(10)
    row = world.deduct(6)
    assert world.reverse(row, 4).reversed_total == 4
    error = world.refusal(
        ReversalExceedsTransaction,
        c.Reverse,
        transaction_id=row.id,
        service=PARAPHRASE,
        amount=3,
    )
    assert (error.requested, error.reversible) == (3, 2)
    world.reverse(row, 2)
    world.refusal(AlreadyReversed, c.Reverse, transaction_id=row.id, service=PARAPHRASE)
    assert world.wallet.available == 10


def test_two_parts_in_one_batch_add_up_too(world: World) -> None:
    world.grant(10)
    row = world.deduct(6)
    part = {"transaction_id": row.id, "service": PARAPHRASE, "amount": 4}
    first, second = world.batch(world.command(c.Reverse, **part), world.command(c.Reverse, **part))
    assert first.refusal is None
    assert type(second.refusal) is ReversalExceedsTransaction
    assert world.wallet.available == 8


def test_a_capture_is_reversed_like_a_deduction(world: World) -> None:
    never = world.grant(5)
    soon = world.grant(5, expires_at=T0 + HOUR)
    hold = world.hold(9)
    row = world.capture(hold, 7)
    back = world.reverse(row, 3)
    assert back.parts == [GrantPart(never, 2, 0), GrantPart(soon, 1, 0)]
    assert back.hold_id == hold.id
    assert world.wallet.available == 6


def test_what_has_expired_since_comes_back_as_a_reversal_grant_of_72_hours(world: World) -> None:
    never = world.grant(5)
    first = world.grant(3, expires_at=T0 + MINUTE)
    second = world.grant(3, expires_at=T0 + 2 * MINUTE)
    row = world.deduct(7)
    world.now = T0 + HOUR
    back = world.reverse(row)
    new = next(g for g in world.wallet.grants if g.source is GrantSource.REVERSAL)
    assert back.parts == [GrantPart(never, 1, 0), GrantPart(new.id, 6, 0)]
    assert (new.amount, new.available) == (6, 6)
    assert new.expires_at == T0 + HOUR + 72 * HOUR
    assert new.payment_id is None
    assert first not in left(world)
    assert second not in left(world)


def test_the_grace_of_a_reversal_grant_is_a_rule(world: World) -> None:
    world = World(reversal_grace_ms=5 * MINUTE)
    world.grant(3, expires_at=T0 + MINUTE)
    row = world.deduct(3)
    world.now = T0 + MINUTE
    world.reverse(row)
    assert [g.expires_at for g in world.wallet.grants] == [T0 + 6 * MINUTE]


def test_an_ended_grant_kept_by_a_hold_takes_nothing_back(world: World) -> None:
    ended = world.grant(10, expires_at=T0 + MINUTE)
    row = world.deduct(4)
    world.hold(6, ttl_ms=HOUR)
    world.now = T0 + MINUTE
    world.reverse(row)
    assert left(world)[ended] == (0, 6)
    assert [g.source for g in world.wallet.grants if g.available] == [GrantSource.REVERSAL]


def test_what_is_taken_from_a_reversal_grant_keeps_its_end(world: World) -> None:
    world.grant(3, expires_at=T0 + MINUTE)
    row = world.deduct(3)
    world.now = T0 + MINUTE
    world.reverse(row)
    (grant,) = world.wallet.grants
    again = world.deduct(3)
    world.now = grant.expires_at - 1
    world.reverse(again)
    assert [(g.id, g.expires_at) for g in world.wallet.grants] == [(grant.id, grant.expires_at)]


def test_a_reversal_grant_past_its_end_is_not_renewed(world: World) -> None:
    world.grant(3, expires_at=T0 + MINUTE)
    row = world.deduct(3)
    world.now = T0 + MINUTE
    world.reverse(row)
    (grant,) = world.wallet.grants
    again = world.deduct(3)
    world.now = grant.expires_at
    back = world.reverse(again)
    assert (back.amount, back.balance_after, back.new_balance) == (3, 3, 0)
    assert [(r.kind, r.amount) for r in world.rows[-2:]] == [("reverse", 3), ("expire", 3)]
    assert world.rows[-1].parts == [GrantPart(grant.id, -3, 0)]
    assert world.wallet.grants == []


# Clawback


def test_a_clawback_takes_from_the_payments_own_grant_and_no_other(world: World) -> None:
    other = world.grant(50)
    own = world.grant(10, payment_id="pay_1")
    also = world.grant(10, payment_id="pay_2")
    row = world.claw_back(7, "pay_1")
    assert row.parts == [GrantPart(own, -7, 0)]
    assert (row.amount, row.debt_delta) == (7, 0)
    assert left(world) == {other: (50, 0), own: (3, 0), also: (10, 0)}


def test_a_clawback_leaves_what_is_held_and_books_the_missing_as_debt(world: World) -> None:
    world.grant(50)
    own = world.grant(10, payment_id="pay_1", priority=-1)
    world.deduct(2)
    world.hold(5)
    row = world.claw_back(10, "pay_1")
    assert row.parts == [GrantPart(own, -3, 0)]
    assert (row.amount, row.available_delta, row.debt_delta) == (10, -3, 7)
    assert world.wallet.debt == 7
    assert left(world)[own] == (0, 5)
    assert world.wallet.available == 50


def test_a_clawback_without_debt_takes_what_is_there(world: World) -> None:
    world.grant(10, payment_id="pay_1")
    world.deduct(4)
    row = world.claw_back(10, "pay_1", books_debt=False)
    assert (row.amount, row.available_delta, row.debt_delta) == (6, -6, 0)
    assert world.wallet.debt == 0


def test_a_clawback_from_a_grant_that_is_spent_is_all_debt(world: World) -> None:
    world.grant(10, payment_id="pay_1")
    world.deduct(10)
    row = world.claw_back(10, "pay_1")
    assert (row.amount, row.available_delta, row.debt_delta, row.parts) == (10, 0, 10, [])


# Debt is paid first by every inflow


def owe(world: World, debt: int) -> None:
    """Leave the user with this debt, whatever else is there."""
    world.grant(debt, payment_id="pay_debt", priority=-9)
    world.deduct(debt)
    world.claw_back(debt, "pay_debt")
    assert world.wallet.debt == debt


def test_a_grant_pays_the_debt_first(world: World) -> None:
    owe(world, 8)
    grant = world.grant(10)
    row = world.rows[-1]
    assert (row.amount, row.available_delta, row.debt_delta) == (10, 2, -8)
    assert row.parts == [GrantPart(grant, 2, 0)]
    assert world.wallet.debt == 0
    assert [(g.amount, g.available) for g in world.wallet.grants] == [(10, 2)]


def test_a_grant_smaller_than_the_debt_pays_a_part_of_it(world: World) -> None:
    owe(world, 8)
    world.grant(5)
    assert (world.wallet.available, world.wallet.debt) == (0, 3)
    assert world.wallet.grants == []


def test_a_positive_adjustment_pays_the_debt_first(world: World) -> None:
    owe(world, 8)
    row = world.adjust(10)
    assert (row.amount, row.available_delta, row.debt_delta) == (10, 2, -8)


def test_a_settled_payment_pays_the_debt_first(world: World) -> None:
    owe(world, 8)
    world.open_payment()
    row = world.settle().transaction
    assert row is not None
    assert (row.amount, row.available_delta, row.debt_delta) == (100, 92, -8)


def test_a_reversal_pays_the_debt_first_with_what_was_taken_last(world: World) -> None:
    never = world.grant(5)
    soon = world.grant(5, expires_at=T0 + HOUR)
    row = world.deduct(10)
    owe(world, 7)
    back = world.reverse(row, 4)
    assert (back.amount, back.available_delta, back.debt_delta) == (4, 0, -4)
    assert back.parts == []
    back = world.reverse(row)
    assert (back.amount, back.available_delta, back.debt_delta) == (6, 3, -3)
    assert back.parts == [GrantPart(soon, 3, 0)]
    assert never not in left(world)


def test_a_release_pays_the_debt_first_with_what_was_taken_last(world: World) -> None:
    never = world.grant(5)
    soon = world.grant(5, expires_at=T0 + HOUR)
    hold = world.hold(10)
    owe(world, 7)
    row = world.release(hold)
    assert (row.amount, row.available_delta, row.held_delta, row.debt_delta) == (10, 3, -10, -7)
    assert row.parts == [GrantPart(never, 0, -5), GrantPart(soon, 3, -5)]
    assert left(world) == {soon: (3, 0)}


def test_the_rest_of_a_capture_and_an_expired_hold_pay_the_debt_first(world: World) -> None:
    world.grant(20)
    first, second = world.hold(10), world.hold(10, ttl_ms=1000)
    owe(world, 12)
    world.capture(first, 4)
    assert (world.wallet.debt, world.wallet.available) == (6, 0)
    world.now = second.expires_at
    world.expire()
    assert (world.wallet.debt, world.wallet.available) == (0, 4)


def test_credits_that_expire_when_released_pay_the_debt_all_the_same(world: World) -> None:
    world.grant(5, expires_at=T0 + MINUTE)
    hold = world.hold(5, ttl_ms=HOUR)
    owe(world, 3)
    world.now = T0 + MINUTE
    world.release(hold)
    assert (world.wallet.debt, world.wallet.available) == (0, 0)
    assert [(r.kind, r.amount) for r in world.rows[-2:]] == [("release", 5), ("expire", 2)]
