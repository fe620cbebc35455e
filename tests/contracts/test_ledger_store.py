from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from shothik_payment.domain.ledger.commands import ReleaseHold
from shothik_payment.domain.model.hold import HoldStatus
from shothik_payment.domain.model.transaction import Transaction
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.ports.event_log import START
from shothik_payment.domain.ports.ledger_store import Needs, Snapshot
from tests.contracts.bindings import Stores
from tests.contracts.book import (
    NOW,
    SERVICE,
    Book,
    binding,
    deducting,
    fresh,
    granting,
    in_days,
    opening,
)


def stored(row: Transaction) -> Transaction:
    """As it is read back: only a digest of the request key is kept."""
    return replace(row, request_key=None)


async def test_a_user_never_seen_has_an_empty_wallet_and_nothing_else(book: Book) -> None:
    need = Needs("u1", ["key"], ["txn_0001"], ["hold_0001"], ["pay_0001"])
    assert await book.load(need) == Snapshot(Wallet("u1"))


async def test_nothing_asked_and_nothing_changed_is_nothing(book: Book) -> None:
    assert await book.store.load([]) == []
    assert await book.store.commit([]) == []


async def test_users_come_in_the_order_asked(book: Book) -> None:
    await book.do(granting("b"))
    await book.do(granting("a"))
    snapshots = await book.store.load([Needs("c"), Needs("b"), Needs("a")])
    assert [(s.wallet.user_id, s.wallet.available) for s in snapshots] == [
        ("c", 0),
        ("b", 100),
        ("a", 100),
    ]


async def test_a_wallet_is_read_as_it_was_committed(book: Book) -> None:
    await book.do(granting("u1", 50, in_days(3)))
    await book.hold("u1", 20)
    change = await book.change(deducting("u1", 30, metadata={"tag": "ü", "n": 1.5, "none": None}))
    expected = replace(change.wallet, grants=[replace(g) for g in change.wallet.grants])
    assert await book.store.commit([change]) == [True]
    wallet = (await book.load(Needs("u1"))).wallet
    assert wallet == expected
    assert (wallet.version, wallet.available, wallet.held, wallet.rows) == (3, 0, 20, 3)
    assert len(wallet.holds) == len(wallet.grants) == 1


async def test_the_second_of_two_writers_loses_and_leaves_nothing(
    book: Book, stores: Stores
) -> None:
    await book.do(granting("u1"))
    first = await book.change(deducting("u1", 1, binding("first")))
    second = await book.change(deducting("u1", 2, binding("second")), opening("u1"))
    assert await book.store.commit([first]) == [True]
    assert await stores.theirs.ledger.commit([second]) == [False]
    lost = Needs(
        "u1",
        [binding("second").key],
        [row.id for row in second.transactions],
        payment_ids=[payment.id for payment in second.payments],
    )
    snapshot = await book.load(lost)
    assert snapshot == Snapshot(snapshot.wallet)
    assert snapshot.wallet.available == 99
    assert [event.sequence for event in await stores.ours.events.read(START, 10, "u1")] == [1, 2]


async def test_two_first_writes_of_one_user_cannot_both_win(book: Book) -> None:
    one, other = await book.change(granting("u1", 1)), await book.change(granting("u1", 2))
    assert sorted([*await book.store.commit([one]), *await book.store.commit([other])]) == [
        False,
        True,
    ]


async def test_a_later_version_of_a_wallet_that_does_not_exist_is_refused(book: Book) -> None:
    change = await book.change(granting("u1"))
    change.expected_version, change.wallet.version = 4, 5
    assert await book.store.commit([change]) == [False]
    assert (await book.load(Needs("u1"))).wallet == Wallet("u1")


async def test_what_another_process_committed_is_seen(book: Book, stores: Stores) -> None:
    for n in range(1, 5):
        await (book if n % 2 else Book(stores.theirs.ledger)).do(granting("u1", 1))
        for ports in (stores.ours, stores.theirs):
            (snapshot,) = await ports.ledger.load([Needs("u1")])
            assert snapshot.wallet.version == n
            assert (await ports.wallets.get("u1")).version == n


async def test_groups_are_independent(book: Book, stores: Stores) -> None:
    users = [f"u{n}" for n in range(5)]
    for user in users:
        await book.do(granting(user))
    await book.do(deducting("u3", 1, binding("taken")))
    changes = [await book.change(deducting(user, 10)) for user in users]
    changes[3] = await book.change(deducting("u3", 1, binding("taken")), blind=True)
    await book.do(deducting("u1", 1))
    assert await book.store.commit(changes) == [True, False, True, False, True]
    snapshots = await book.store.load([Needs(user) for user in users])
    assert [s.wallet.available for s in snapshots] == [90, 99, 90, 99, 90]
    for change, rows in zip(changes, (2, 2, 2, 2, 2), strict=True):
        user = change.wallet.user_id
        assert len(await stores.ours.wallets.history(user, None, 10)) == rows
        assert len(await stores.ours.events.read(START, 10, user)) == rows


@pytest.mark.parametrize("size", [2, 31, 32, 33, 64, 65, 200])
async def test_a_batch_may_have_any_size(book: Book, stores: Stores, size: int) -> None:
    users = [f"user{n:03d}" for n in range(size)]
    for _ in range(2):
        changes = [await book.change(granting(user)) for user in users]
        assert await book.store.commit(changes) == [True] * size
    rows = [row for change in changes for row in change.transactions]
    loaded = await book.store.load([Needs(row.user_id, [], [row.id]) for row in rows])
    assert [list(snapshot.transactions) for snapshot in loaded] == [[row.id] for row in rows]
    assert len(await stores.ours.events.read(START, 1000)) == 2 * size


async def test_one_group_may_have_many_rows(book: Book, stores: Stores) -> None:
    await book.do(granting("u1", 1000))
    keys = [binding(f"key{n}") for n in range(150)]
    await book.do(*(deducting("u1", 1, key) for key in keys))
    snapshot = await book.load(Needs("u1", [key.key for key in keys]))
    assert snapshot.wallet.available == 850
    assert [snapshot.done[key.key].fingerprint for key in keys] == [b"same"] * 150
    history = await stores.ours.wallets.history("u1", None, 200)
    assert [row.number for row in history] == list(range(151, 0, -1))


async def test_what_went_in_and_what_came_out_are_copies(book: Book) -> None:
    await book.do(granting("u1"))
    row = await book.row(deducting("u1", 5, metadata={"tag": "a"}))
    change = await book.change(opening("u1"))
    assert await book.store.commit([change]) == [True]
    change.wallet.available = 0
    change.wallet.grants[0].available = 0
    change.payments[0].credits = 0
    need = Needs("u1", [], [row.id], [], [change.payments[0].id])
    first = await book.load(need)
    first.wallet.grants.clear()
    first.transactions[row.id].parts.clear()
    first.transactions[row.id].metadata = {}
    first.payments[change.payments[0].id].credits = 1
    second = await book.load(need)
    assert (second.wallet.available, second.wallet.grants[0].available) == (95, 95)
    assert second.transactions[row.id] == row
    assert second.payments[change.payments[0].id].credits == 100


async def test_asked_rows_come_with_their_reversals_and_grants(book: Book) -> None:
    await book.do(granting("u1", 10, in_days(1)), granting("u1", 20))
    row = await book.row(deducting("u1", 30))
    other = await book.row(granting("u1", 1))
    await book.reverse(row, 3)
    await book.reverse(row, 4)
    snapshot = await book.load(Needs("u1", [], [row.id, other.id]))
    assert snapshot.transactions == {row.id: row, other.id: other}
    assert snapshot.reversed_totals == {row.id: 7}
    touched = {p.grant_id for p in (*row.parts, *other.parts)}
    assert snapshot.grants.keys() == touched
    ends = [snapshot.grants[part.grant_id].expires_at for part in row.parts]
    assert ends == [in_days(1), None]


async def test_what_is_not_the_users_own_or_does_not_exist_is_absent(book: Book) -> None:
    await book.do(granting("u1"))
    row = await book.row(deducting("u1", 1))
    hold = await book.hold("u1", 1)
    payment = await book.payment("u1")
    wrong_bucket = f"txn_{int(row.id[4:7], 16) ^ 1:03x}{row.id[7:]}"
    foreign = Needs("u2", [], [row.id], [hold.id], [payment.id])
    assert await book.load(foreign) == Snapshot(Wallet("u2"))
    unknown = Needs("u1", [], [wrong_bucket, "txn_", ""], ["hold_", "x"], ["pay_", "ü"])
    found = await book.load(unknown)
    assert found == Snapshot(found.wallet)


async def test_a_changed_hold_replaces_the_old_one(book: Book) -> None:
    await book.do(granting("u1"))
    hold = await book.hold("u1", 40)
    release = ReleaseHold(id=fresh(), user_id="u1", at=NOW, hold_id=hold.id, service=SERVICE)
    await book.do(release)
    snapshot = await book.load(Needs("u1", [], [], [hold.id]))
    assert snapshot.holds[hold.id] == replace(hold, status=HoldStatus.RELEASED)
    assert snapshot.wallet.holds == {}


async def test_rows_are_read_as_they_were_written(book: Book, stores: Stores) -> None:
    await book.do(granting("u1"))
    metadata = {"text": 'a"b\n\u2028ü', "whole": 2**53, "real": 0.1, "yes": True, "none": None}
    row = await book.row(deducting("u1", 5, binding("key"), metadata))
    assert await stores.ours.wallets.transaction(row.id) == stored(row)
    assert (await book.load(Needs("u1", [binding("key").key]))).done == {row.request_key: row}


async def test_racing_writers_lose_no_update(book: Book, stores: Stores) -> None:
    await book.do(granting("u1", 100))

    async def spend(ports_book: Book) -> None:
        done = 0
        while done < 20:
            change = await ports_book.change(deducting("u1", 1))
            done += (await ports_book.store.commit([change])) == [True]

    await asyncio.gather(spend(Book(stores.ours.ledger)), spend(Book(stores.theirs.ledger)))
    wallet = (await book.load(Needs("u1"))).wallet
    assert (wallet.available, wallet.version, wallet.rows) == (60, 41, 41)
    numbers = [row.number for row in await stores.ours.wallets.history("u1", None, 100)]
    assert numbers == list(range(41, 0, -1))
