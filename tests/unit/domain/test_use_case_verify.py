"""The check of a whole ledger finds each kind of difference, and names it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import DisputeState, RefundState
from shothik_payment.domain.model.transaction import GrantPart
from shothik_payment.domain.ports.gateway import GatewayRefund
from tests.support.ledger_state import StoredUser
from tests.support.service import TestService
from tests.support.world import World


@pytest.fixture
def world() -> World:
    """Rows: grant 20, deduct 8, reverse 2, hold 5, hold 3, capture 1 of it, release."""
    world = World()
    world.grant(20)
    world.reverse(world.deduct(8), 2)
    world.hold(5)
    world.capture(world.hold(3), 1)
    return world


def row(nth: int, **changes: object) -> Callable[[StoredUser], None]:
    def spoil(user: StoredUser) -> None:
        user.rows[nth - 1] = replace(user.rows[nth - 1], **changes)  # type: ignore[arg-type]

    return spoil


def wallet(**changes: object) -> Callable[[StoredUser], None]:
    def spoil(user: StoredUser) -> None:
        user.wallet = replace(user.wallet, **changes)  # type: ignore[arg-type]

    return spoil


def part(number: int, available: int, held: int) -> Callable[[StoredUser], None]:
    def spoil(user: StoredUser) -> None:
        found = user.rows[number - 1]
        found.parts = [GrantPart(found.parts[0].grant_id, available, held)]

    return spoil


def lose_event(index: int) -> Callable[[StoredUser], None]:
    return lambda user: user.events.__delitem__(index)


def prune(through: int, *lost: int) -> Callable[[StoredUser], None]:
    """Take events away up to a sequence, and these as well."""

    def spoil(user: StoredUser) -> None:
        user.pruned_through = through
        user.events = [e for e in user.events if e.sequence > through and e.sequence not in lost]

    return spoil


def spoil_grant(user: StoredUser) -> None:
    user.wallet.grants[0].available -= 1


def spoil_hold(user: StoredUser) -> None:
    next(iter(user.wallet.holds.values())).amount += 1


def lose_hold(user: StoredUser) -> None:
    user.wallet.holds.clear()


def lose_stored_hold(user: StoredUser) -> None:
    user.holds.clear()


def lose_row(user: StoredUser) -> None:
    del user.rows[1]


def double_row(user: StoredUser) -> None:
    user.rows.append(user.rows[-1])


def test_a_sound_ledger_shows_no_difference(world: World) -> None:
    assert world.state.differences("u1") == []
    assert world.state.differences("nobody") == []


@pytest.mark.parametrize("through", [1, 2, 4])
def test_pruned_events_are_not_missed(world: World, through: int) -> None:
    assert world.state.user("u1").wallet.events == 4
    prune(through)(world.state.user("u1"))
    assert world.state.differences("u1") == []


def test_a_mark_without_pruning_is_no_difference(world: World) -> None:
    """Killed between the mark and the deletion."""
    world.state.user("u1").pruned_through = 2
    assert world.state.differences("u1") == []


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (wallet(available=15), "available"),
        (wallet(held=4), "held"),
        (wallet(debt=1), "debt"),
        (wallet(rows=9), "row count"),
        (wallet(events=9), "last event"),
        (row(2, number=3), "number of"),
        (row(2, amount=700), "amount of"),
        (row(3, amount=1), "amount of"),
        (row(4, amount=1), "amount of"),
        (row(2, available_delta=-7), "balance after"),
        (row(2, balance_before=19), "balance before"),
        (row(2, balance_after=11), "balance after"),
        (row(2, debt_delta=-1), "debt after"),
        (row(4, held_delta=-4), "held after"),
        (row(2, available_delta=-21, balance_after=-1), "available after"),
        (row(3, reversed_total=1), "reversed in all with"),
        (row(3, amount=9, reversed_total=9), "reversals of"),
        (row(3, reverses="txn_nope"), "reversals of"),
        (part(2, -7, 0), "grants of"),
        (part(4, -5, 4), "held of"),
        (part(2, -21, 0), "grant "),
        (spoil_grant, "grant "),
        (spoil_hold, "hold "),
        (lose_hold, "hold "),
        (lose_stored_hold, "stored hold "),
        (lose_event(0), "first event"),
        (lose_event(1), "events"),
        (lose_event(-1), "last event"),
        (prune(1, 2), "first event"),
        (prune(1, 3), "events"),
        (prune(1, 4), "last event"),
        (prune(2, 3, 4), "last event"),
        (prune(0, 1, 2, 3, 4), "last event"),
        (lose_row, "number of"),
        (double_row, "row count"),
    ],
)
def test_each_difference_is_found_and_named(
    world: World, spoil: Callable[[StoredUser], None], named: str
) -> None:
    spoil(world.state.user("u1"))
    found = world.state.differences("u1")
    assert any(difference.what.startswith(named) for difference in found)
    assert all(str(difference).startswith("u1: ") for difference in found)


@pytest.fixture
def returned() -> World:
    """Rows: grant 100, deduct 70, hold 30, clawback 100 of which 30 were held and 70 are debt,
    grant 100 again of which 70 pay the debt, clawback 20 for a dispute."""
    world = World()
    world.open_payment()
    world.settle()
    world.deduct(70)
    begun = world.begin_refund()
    for state in (RefundState.SUCCEEDED, RefundState.FAILED):
        world.record_refund(GatewayRefund("re_1", Money(1000, "USD"), state, begun.id))
    world.record_dispute(DisputeState.OPEN, 200)
    return world


def test_a_ledger_with_refunds_and_disputes_is_sound(returned: World) -> None:
    assert [(row.kind.value, row.amount) for row in returned.rows] == [
        ("grant", 100),
        ("deduct", 70),
        ("hold", 30),
        ("clawback", 100),
        ("grant", 100),
        ("clawback", 20),
    ]
    assert returned.state.differences("u1") == []


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (row(4, amount=70), "amount of"),
        (row(4, held_delta=0), "held of"),
        (row(4, held_delta=-31), "held after"),
        (row(4, debt_delta=0), "amount of"),
        (row(4, hold_id=None), "hold "),
        (row(5, debt_delta=0), "amount of"),
        (row(6, available_delta=-19), "balance after"),
    ],
)
def test_what_is_wrong_with_a_clawback_is_found(
    returned: World, spoil: Callable[[StoredUser], None], named: str
) -> None:
    spoil(returned.state.user("u1"))
    found = returned.state.differences("u1")
    assert any(difference.what.startswith(named) for difference in found)


async def test_the_whole_ledger_is_walked_and_orphans_are_named(service: TestService) -> None:
    for user in ("u1", "u2"):
        await service.admin.adjust(user, 5, "r")
        await service.admin.adjust(user, -1, "r")
    assert await service.verify.count() == 2
    assert [(p.user_id, p.rows, p.differences) async for p in service.verify.run()] == [
        ("u1", 2, []),
        ("u2", 2, []),
    ]
    lost = service.state.wallets.pop("u2")
    assert await service.differences() == ["u2: wallet is missing, the ledger gives rows"]
    service.state.wallets["u2"] = lost
