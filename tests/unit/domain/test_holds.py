"""Section 5 of the contract: what holds reserve, for how long, and where it goes."""

import pytest

from shothik_payment.domain.model.hold import HoldStatus
from shothik_payment.domain.model.time import HOUR, MINUTE
from shothik_payment.domain.model.transaction import GrantPart
from tests.support.world import T0, World


@pytest.fixture
def world() -> World:
    return World()


def kinds(world: World) -> list[str]:
    return [row.kind for row in world.rows]


def left(world: World) -> dict[str, tuple[int, int]]:
    return {grant.id: (grant.available, grant.held) for grant in world.wallet.grants}


def test_a_hold_ends_at_its_time_and_gives_everything_back(world: World) -> None:
    world.grant(10)
    hold = world.hold(4, ttl_ms=MINUTE)
    world.now = T0 + MINUTE - 1
    world.expire()
    assert world.wallet.held == 4
    world.now = T0 + MINUTE
    world.expire()
    assert (world.wallet.available, world.wallet.held) == (10, 0)
    row = world.rows[-1]
    assert (row.kind, row.reason, row.hold_id) == ("release", "hold_expired", hold.id)
    assert world.state.user("u1").holds[hold.id].status is HoldStatus.EXPIRED
    assert world.wallet.holds == {}


def test_holds_that_end_together_are_booked_in_the_order_of_their_ends(world: World) -> None:
    world.grant(10)
    second = world.hold(1, ttl_ms=2000)
    first = world.hold(1, ttl_ms=1000)
    world.now = T0 + 5000
    world.expire()
    assert [row.hold_id for row in world.rows[-2:]] == [first.id, second.id]


def test_held_credits_outlive_the_end_of_their_grant(world: World) -> None:
    world.grant(10, expires_at=T0 + MINUTE)
    hold = world.hold(6, ttl_ms=HOUR)
    world.now = T0 + MINUTE
    world.expire()
    assert (world.wallet.available, world.wallet.held) == (0, 6)
    row = world.capture(hold)
    assert (row.amount, row.available_delta, row.held_delta) == (6, 0, -6)
    assert world.wallet.grants == []


def test_an_ended_grant_of_which_all_is_held_has_nothing_to_expire(world: World) -> None:
    world.grant(5, expires_at=T0 + 1000)
    world.hold(5, ttl_ms=HOUR)
    world.grant(2, expires_at=T0 + MINUTE)
    world.now = T0 + MINUTE
    world.expire()
    assert [(row.kind, row.amount) for row in world.rows[3:]] == [("expire", 2)]
    assert world.wallet.next_due() == T0 + HOUR


def test_released_after_the_end_of_their_grant_they_expire_at_once(world: World) -> None:
    world.grant(10, expires_at=T0 + MINUTE)
    hold = world.hold(6, ttl_ms=HOUR)
    world.now = T0 + 2 * MINUTE
    row = world.release(hold)
    assert (row.balance_after, row.new_balance) == (6, 0)
    assert [(r.kind, r.amount) for r in world.rows[-2:]] == [("release", 6), ("expire", 6)]
    assert world.wallet.available == 0


def test_the_uncaptured_rest_expires_at_once_too(world: World) -> None:
    world.grant(10, expires_at=T0 + MINUTE)
    hold = world.hold(6, ttl_ms=HOUR)
    world.now = T0 + 2 * MINUTE
    row = world.capture(hold, 2)
    assert [(r.kind, r.amount) for r in world.rows[-3:]] == [
        ("release", 4),
        ("expire", 4),
        ("capture", 2),
    ]
    assert row.new_balance == 0


def test_a_hold_that_ends_with_its_grant_gives_back_nothing(world: World) -> None:
    world.grant(10, expires_at=T0 + MINUTE)
    world.hold(6, ttl_ms=MINUTE)
    world.now = T0 + MINUTE
    world.expire()
    assert [(r.kind, r.amount) for r in world.rows[-2:]] == [("release", 6), ("expire", 10)]
    assert (world.wallet.available, world.wallet.held) == (0, 0)


def test_a_capture_in_part_charges_the_first_taken_and_releases_the_rest(world: World) -> None:
    never = world.grant(5)
    soon = world.grant(5, expires_at=T0 + HOUR)
    hold = world.hold(8)
    row = world.capture(hold, 6)
    assert row.parts == [GrantPart(soon, 0, -5), GrantPart(never, 0, -1)]
    released = world.rows[-2]
    assert (released.kind, released.reason) == ("release", "captured_in_part")
    assert released.parts == [GrantPart(never, 2, -2)]
    stored = world.state.user("u1").holds[hold.id]
    assert (stored.status, stored.captured) == (HoldStatus.CAPTURED, 6)
    assert row.new_balance == world.wallet.available == 4


def test_a_release_gives_every_part_back_to_its_grant(world: World) -> None:
    never = world.grant(5)
    soon = world.grant(5, expires_at=T0 + HOUR)
    row = world.release(world.hold(8))
    assert row.parts == [GrantPart(never, 3, -3), GrantPart(soon, 5, -5)]
    assert left(world) == {soon: (5, 0), never: (5, 0)}
