from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shothik_payment.adapters.mongo import MongoDatabase
from shothik_payment.domain.errors import InsufficientCredits
from shothik_payment.domain.ledger.commands import Deduct, Freeze
from shothik_payment.domain.ledger.writer import LedgerWriter
from shothik_payment.domain.model.time import MINUTE, Millis
from shothik_payment.domain.ports.event_log import PARTITIONS, START
from shothik_payment.domain.use_cases.verify import Verify
from tests.contracts.bindings import mongo_ports, opened_mongo
from tests.contracts.book import NOW, RULES, Book, binding, deducting, fresh, granting


async def assert_consistent(database: MongoDatabase) -> None:
    async for progress in Verify(mongo_ports(database).audit).run():
        assert progress.differences == []


async def _rules() -> object:
    return RULES


@asynccontextmanager
async def writing(database: MongoDatabase) -> AsyncIterator[LedgerWriter]:
    async def fresh_rules() -> object:
        return RULES

    writer = LedgerWriter(
        mongo_ports(database).ledger, lambda: RULES, fresh_rules, random.random
    )
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
