from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from shothik_payment.adapters.mongo import MongoDatabase, names
from shothik_payment.domain.errors import InsufficientCredits, StoreCorrupt
from shothik_payment.domain.ledger.commands import Deduct, Freeze
from shothik_payment.domain.ledger.rules import Rules
from shothik_payment.domain.ledger.writer import LedgerWriter
from shothik_payment.domain.model.time import MINUTE, Millis
from shothik_payment.domain.ports.event_log import PARTITIONS, START
from shothik_payment.domain.use_cases.verify import Verify
from tests.contracts.bindings import mongo_ports, opened_mongo
from tests.contracts.book import NOW, RULES, Book, binding, deducting, fresh, granting, in_days


async def assert_consistent(database: MongoDatabase) -> None:
    async for progress in Verify(mongo_ports(database).audit).run():
        assert progress.differences == []
    await assert_added_up(database)


async def assert_added_up(database: MongoDatabase) -> None:
    """Each row that charges counts once."""
    rows = await database.collection(names.TRANSACTIONS).count_documents({"kind": "deduct"})
    sums = await mongo_ports(database).statistics.charged(Millis(0), in_days(1))
    assert sum(charged.rows for charged in sums) == rows


@asynccontextmanager
async def writing(database: MongoDatabase) -> AsyncIterator[LedgerWriter]:
    async def fresh_rules() -> Rules:
        return RULES

    writer = LedgerWriter(mongo_ports(database).ledger, lambda: RULES, fresh_rules, random.random)
    writer.start()
    yield writer
    await writer.stop()


async def outcome(writer: LedgerWriter, command: Deduct) -> str:
    try:
        done = await writer.submit(command)
    except InsufficientCredits:
        return "refused"
    return "replayed" if done.replayed else "charged"


async def test_two_processes_never_overdraw_one_wallet(url: str) -> None:
    async with opened_mongo(url, migrate=True) as one, opened_mongo(url) as other:
        await Book(mongo_ports(one).ledger).do(granting("u1", 40))
        async with writing(one) as first, writing(other) as second:
            found = await asyncio.gather(
                *(outcome((first, second)[n % 2], deducting("u1")) for n in range(60))
            )
        assert Counter(found) == {"charged": 40, "refused": 20}
        wallet = await mongo_ports(other).wallets.get("u1")
        assert (wallet.available, wallet.rows) == (0, 41)
        await assert_consistent(one)


async def test_two_processes_do_not_wait_for_each_others_sums(url: str) -> None:
    """Each adds up in documents of its own; and one that is kept by a transaction which nobody
    ends is left alone."""
    async with opened_mongo(url, migrate=True) as one, opened_mongo(url) as other:
        ours, theirs = Book(mongo_ports(one).ledger), Book(mongo_ports(other).ledger)
        for book, user in ((ours, "u1"), (theirs, "u2")):
            await book.do(granting(user), deducting(user, 1))
        sums = one.collection(names.CHARGED_HOURS)
        kept = await sums.find({"credits": 1}).to_list()
        assert len(kept) == 2
        async with one.client.start_session() as session:
            await session.start_transaction()
            for document in kept:
                which = {"_id": document["_id"]}
                await sums.update_one(which, {"$inc": {"credits": 1000}}, session=session)
            for book, user in ((ours, "u1"), (theirs, "u2"), (ours, "u1")):
                await book.do(deducting(user, 2))
            await session.abort_transaction()
        (charged,) = await mongo_ports(other).statistics.charged(Millis(0), in_days(1))
        assert (charged.credits, charged.rows) == (8, 5)


async def test_one_request_key_sent_to_two_processes_charges_once(url: str) -> None:
    async with opened_mongo(url, migrate=True) as one, opened_mongo(url) as other:
        for user in ("u1", "u2", "u3"):
            await Book(mongo_ports(one).ledger).do(granting(user, 40))
        async with writing(one) as first, writing(other) as second:
            found = await asyncio.gather(
                *(
                    outcome(writer, deducting(user, 1, binding("same")))
                    for _ in range(4)
                    for user in ("u1", "u2", "u3")
                    for writer in (first, second)
                )
            )
        assert Counter(found) == {"charged": 3, "replayed": 21}
        for user in ("u1", "u2", "u3"):
            assert (await mongo_ports(one).wallets.get(user)).available == 39
        await assert_consistent(one)


async def test_a_clock_five_minutes_ahead_does_not_mix_a_users_events(url: str) -> None:
    """The commands that leave no row do not move the wallet's time."""
    ahead = Millis(NOW + 5 * MINUTE)
    async with opened_mongo(url, migrate=True) as one, opened_mongo(url) as other:
        fast, slow = Book(mongo_ports(one).ledger), Book(mongo_ports(other).ledger)
        await slow.do(granting("u1"))
        await fast.do(Freeze(id=fresh(), user_id="u1", at=ahead, reason="r"))
        await slow.do(granting("u1"))
        await fast.do(granting("u1", at=ahead))
        await slow.do(granting("u1", 3), granting("u1", 4))
        log = mongo_ports(one).events
        events = await log.read(START, 100)
        assert {event.at for event in events} == {NOW, ahead}
        in_order = list(range(1, len(events) + 1))
        assert [e.sequence for e in events] == in_order
        assert [e.sequence for e in await log.read(START, 100, "u1")] == in_order
        assert [e.sequence for e in await log.unpublished(range(PARTITIONS), 100)] == in_order
        read: list[int] = []
        position = START
        while page := await log.read(position, 2):
            read += [event.sequence for event in page]
            position = page[-1].position
        assert read == in_order


async def test_a_process_that_has_not_read_a_wallet_meets_its_version(url: str) -> None:
    """Sixteen users in one batch, one of them written by the other process meanwhile."""
    users = [f"u{n}" for n in range(16)]
    async with opened_mongo(url, migrate=True) as one, opened_mongo(url) as other:
        ours, theirs = Book(mongo_ports(one).ledger), Book(mongo_ports(other).ledger)
        for user in users:
            await ours.do(granting(user))
        mine = [await ours.change(deducting(user, 10)) for user in users]
        for_theirs = [await theirs.change(deducting(user, 20)) for user in reversed(users)]
        stored = await asyncio.gather(ours.store.commit(mine), theirs.store.commit(for_theirs))
        won = [*zip(users, stored[0], strict=True), *zip(users[::-1], stored[1], strict=True)]
        assert sorted(user for user, stored in won if stored) == sorted(users)
        await assert_consistent(one)


async def test_what_cannot_be_encoded_fails_alone_after_conflicts(url: str) -> None:
    """It is seen only behind a thousand operations, which a conflict has cut short until each group
    was tried alone: by then another one is stored."""
    async with opened_mongo(url, migrate=True) as database:
        book = Book(mongo_ports(database).ledger)
        for user in ("kept", "good", "bad"):
            await book.do(granting(user, 1000))
        spending = (deducting("bad", 1) for _ in range(600))
        bad = await book.change(granting("bad", 1), *spending)
        bad.grants[0] = replace(bad.grants[0], amount=2**70)
        kept = await book.change(deducting("kept", 1))
        good = await book.change(deducting("good", 10))
        async with database.client.start_session() as session:
            await session.start_transaction()
            await database.collection(names.WALLETS).update_one(
                {"_id": "kept"}, {"$set": {"commit": "of another"}}, session=session
            )
            stored = await book.store.commit([kept, good, bad])
            await session.abort_transaction()
        assert stored[:2] == [False, True]
        assert isinstance(stored[2], StoreCorrupt)
        assert "OverflowError" in str(stored[2])
        wallets = mongo_ports(database).wallets
        left = [(await wallets.get(user)).available for user in ("kept", "good", "bad")]
        assert left == [1000, 990, 1000]
        assert (await book.store.commit([kept])) == [True]
        await assert_consistent(database)
