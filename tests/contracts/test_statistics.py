from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import replace
from random import Random

import pytest

from shothik_payment.domain.ledger.commands import (
    CaptureHold,
    Command,
    PlaceHold,
    ReleaseHold,
    Reverse,
)
from shothik_payment.domain.model.time import DAY, HOUR, MINUTE, Millis
from shothik_payment.domain.model.transaction import CHARGING_KINDS, Transaction, TransactionKind
from shothik_payment.domain.ports.ledger_store import Stored
from shothik_payment.domain.ports.statistics import ChargedHour
from tests.contracts.bindings import StorePorts, Stores
from tests.contracts.book import NOW, SERVICE, Book, binding, deducting, fresh, granting

DEDUCT, CAPTURE, REVERSE = (
    TransactionKind.DEDUCT,
    TransactionKind.CAPTURE,
    TransactionKind.REVERSE,
)
SLIDES = "slide_service"


def hour(number: int) -> Millis:
    """The start of the hour so many after that of NOW."""
    return Millis(NOW - NOW % HOUR + number * HOUR)


async def everything(ports: StorePorts) -> list[ChargedHour]:
    return await ports.statistics.charged(Millis(0), hour(1_000))


def folded(rows: list[Transaction]) -> list[ChargedHour]:
    found: defaultdict[tuple[Millis, str, TransactionKind], list[int]] = defaultdict(list)
    for row in rows:
        if row.kind in CHARGING_KINDS:
            found[Millis(row.at - row.at % HOUR), row.service or "", row.kind].append(row.amount)
    return [ChargedHour(*slot, sum(of), len(of)) for slot, of in sorted(found.items())]


async def assert_is_the_fold(stores: Stores, users: list[str]) -> list[ChargedHour]:
    rows = [row for u in users for row in await stores.ours.wallets.history(u, None, 10_000)]
    found = await everything(stores.theirs)
    assert found == folded(rows)
    return found


async def test_what_is_charged_is_added_up_by_hour_service_and_kind(
    book: Book, stores: Stores
) -> None:
    assert await everything(stores.ours) == []
    await book.do(granting("u1", 1000), deducting("u1", 5), deducting("u1", 7))
    await book.do(granting("u2"), replace(deducting("u2", 11), service=SLIDES))
    row = await book.row(replace(deducting("u1", 20), at=hour(1)))
    await book.do(replace(deducting("u1", 1), at=Millis(hour(2) - 1)))
    await book.reverse(row, 3)
    await book.do(replace(deducting("u1", 2), at=hour(2)))
    assert await everything(stores.theirs) == [
        ChargedHour(hour(0), SERVICE, DEDUCT, 12, 2),
        ChargedHour(hour(0), SLIDES, DEDUCT, 11, 1),
        ChargedHour(hour(1), SERVICE, DEDUCT, 21, 2),
        ChargedHour(hour(1), SERVICE, REVERSE, 3, 1),
        ChargedHour(hour(2), SERVICE, DEDUCT, 2, 1),
    ]


async def test_whole_hours_are_read_from_one_time_to_another(book: Book, stores: Stores) -> None:
    await book.do(granting("u1"), *(replace(deducting("u1", 1), at=hour(n)) for n in range(5)))

    async def starts(since: int, until: int) -> list[int]:
        found = await stores.ours.statistics.charged(Millis(since), Millis(until))
        return [(charged.start - hour(0)) // HOUR for charged in found]

    assert await starts(hour(1), hour(3)) == [1, 2]
    assert await starts(hour(1) + 1, hour(3) + 1) == [2, 3]
    assert await starts(hour(3), hour(3)) == []
    assert await starts(hour(5), hour(9)) == []


async def test_of_a_hold_what_was_captured_counts(book: Book, stores: Stores) -> None:
    await book.do(granting("u1"))
    first, second = await book.hold("u1", 40), await book.hold("u1", 10)
    assert await everything(stores.ours) == []
    about = {"user_id": "u1", "at": NOW, "service": SERVICE}
    await book.do(CaptureHold(id=fresh(), hold_id=first.id, amount=15, **about))  # type: ignore[arg-type]
    await book.do(ReleaseHold(id=fresh(), hold_id=second.id, **about))  # type: ignore[arg-type]
    assert await everything(stores.ours) == [ChargedHour(hour(0), SERVICE, CAPTURE, 15, 1)]


@pytest.mark.parametrize("alone", [True, False])
async def test_only_what_is_stored_counts(book: Book, stores: Stores, alone: bool) -> None:
    """Among five groups one lost its version to another process and one its request key."""
    users = [f"u{n}" for n in range(5)]
    for user in users:
        await book.do(granting(user))
    await book.do(deducting("u3", 1, binding("taken")))
    changes = [await book.change(deducting(user, 10)) for user in users]
    changes[3] = await book.change(deducting("u3", 50, binding("taken")), blind=True)
    await Book(stores.theirs.ledger).do(deducting("u1", 2))
    told: list[Stored] = []
    for batch in [[change] for change in changes] if alone else [changes]:
        told += await book.store.commit(batch)
    assert told == [True, False, True, False, True]
    assert await book.store.commit(changes) == [False] * 5
    assert await everything(stores.ours) == [ChargedHour(hour(0), SERVICE, DEDUCT, 33, 5)]
    await assert_is_the_fold(stores, users)


async def test_processes_that_charge_at_once_count_everything_once(
    book: Book, stores: Stores
) -> None:
    users = [f"u{n}" for n in range(6)]
    for user in users:
        await book.do(granting(user))

    async def spend(ports: StorePorts, user: str) -> None:
        own = Book(ports.ledger)
        done = 0
        while done < 5:
            change = await own.change(deducting(user, 2))
            done += (await own.store.commit([change])) == [True]

    async with asyncio.TaskGroup() as group:
        for user in users:
            for ports in (stores.ours, stores.theirs):
                group.create_task(spend(ports, user))
    assert await everything(stores.ours) == [ChargedHour(hour(0), SERVICE, DEDUCT, 120, 60)]


@pytest.mark.parametrize("seed", range(3))
async def test_the_sums_are_the_fold_of_the_rows(stores: Stores, seed: int) -> None:
    """Whatever was charged, held, captured and given back by two processes, one of which is late
    at times."""
    random = Random(seed)
    users = [f"u{n}" for n in range(4)]
    books = [Book(stores.ours.ledger), Book(stores.theirs.ledger)]
    for user in users:
        await books[0].do(granting(user, 10_000))
    lost, given_back = 0, set[str]()
    for step in range(40):
        at = Millis(NOW + step * 17 * MINUTE)
        batch = [
            await books[0].change(*await some(stores, random, user, at, given_back))
            for user in random.sample(users, random.randint(1, 4))
        ]
        if random.random() < 0.3:
            faster = replace(deducting(batch[0].wallet.user_id, 3), at=at, service=SLIDES)
            await books[1].do(faster)
        lost += list(await books[0].store.commit(batch)).count(False)
    found = await assert_is_the_fold(stores, users)
    assert lost > 3
    assert {charged.kind for charged in found} == set(CHARGING_KINDS)
    assert {charged.service for charged in found} == {SERVICE, SLIDES}
    assert len({charged.start for charged in found}) > 8


async def some(
    stores: Stores, random: Random, user: str, at: Millis, given_back: set[str]
) -> list[Command]:
    """One command or two that will not be refused."""
    commands: list[Command] = [replace(deducting(user, random.randint(1, 9)), at=at)]
    holds = list((await stores.ours.wallets.get(user)).holds)
    rows = await stores.ours.wallets.history(user, None, 5)
    charged = [r for r in rows if r.kind in (DEDUCT, CAPTURE) and r.id not in given_back]
    about = {"id": fresh(), "user_id": user, "at": at, "service": SERVICE}
    if random.random() < 0.3:
        commands.append(PlaceHold(amount=random.randint(1, 9), ttl_ms=DAY, **about))  # type: ignore[arg-type]
    elif holds and random.random() < 0.6:
        commands.append(CaptureHold(hold_id=holds[0], amount=1, **about))  # type: ignore[arg-type]
    elif charged and charged[0].service == SERVICE:
        given_back.add(charged[0].id)
        commands.append(Reverse(transaction_id=charged[0].id, amount=1, **about))  # type: ignore[arg-type]
    return commands
