from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest

from shothik_payment.adapters.mongo import MongoDatabase, names
from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.ledger_store import Needs
from shothik_payment.domain.use_cases.verify import Verify
from tests.contracts.bindings import mongo_ports, opened_mongo
from tests.contracts.book import Book, binding, deducting, granting, in_days
from tests.contracts.test_subscription_history import nothing_but_the_wallet, step
from tests.support.proxy import Proxy
from tests.support.servers.mongo import MongoServer, fresh_name, url_of

# See conftest.py.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

READ_SECONDS = 8
COMMIT_SECONDS = 14
"""What a call may take at the most until it is answered or refused, with some slack for a busy
machine: see docs/mongodb.md."""
COMMIT = b"commitTransaction"


@contextmanager
def within(seconds: float) -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds


@asynccontextmanager
async def proxied(server: MongoServer) -> AsyncIterator[tuple[Proxy, MongoDatabase]]:
    name = fresh_name()
    await MongoDatabase(url_of(server, name)).migrate()
    async with (
        Proxy(server.host, server.port) as proxy,
        opened_mongo(url_of(server, name, proxy.port)) as database,
    ):
        yield proxy, database


async def assert_charged_once(database: MongoDatabase, user: str = "u1") -> None:
    """Of 100 credits one was spent, by the request `key`."""
    ports = mongo_ports(database)
    (snapshot,) = await ports.ledger.load([Needs(user, [binding("key").key])])
    assert (snapshot.wallet.available, snapshot.wallet.rows) == (99, 2)
    assert list(snapshot.done) == [binding("key").key]
    async for progress in Verify(ports.audit).run():
        assert progress.differences == []
    sums = await ports.statistics.charged(Millis(0), in_days(1))
    rows = await database.collection(names.TRANSACTIONS).count_documents({"kind": "deduct"})
    assert sum(charged.rows for charged in sums) == rows


async def test_a_killed_server_is_unavailable_and_back_by_itself(own_mongo: MongoServer) -> None:
    url = url_of(own_mongo, fresh_name())
    async with opened_mongo(url, migrate=True) as database:
        ports = mongo_ports(database)
        book = Book(ports.ledger)
        await book.do(granting("u1"))
        change = await book.change(deducting("u1", 1, binding("key")))
        own_mongo.kill()
        for ask in (ports.health.ping, lambda: ports.wallets.get("u1")):
            with within(READ_SECONDS), pytest.raises(Unavailable, match="127") as away:
                await ask()
            assert "127" not in away.value.message + str(away.value.details())
        with within(COMMIT_SECONDS), pytest.raises(Unavailable):
            await ports.ledger.commit([change])
        own_mongo.start()
        assert await ports.ledger.commit([change]) == [True]
        await ports.health.ping()
        await assert_charged_once(database)


async def test_a_frozen_server_is_unavailable_and_back_by_itself(own_mongo: MongoServer) -> None:
    url = url_of(own_mongo, fresh_name())
    async with opened_mongo(url, migrate=True) as database:
        ports = mongo_ports(database)
        book = Book(ports.ledger)
        await book.do(granting("u1"))
        change = await book.change(deducting("u1", 1, binding("key")))
        own_mongo.freeze()
        try:
            with within(READ_SECONDS), pytest.raises(Unavailable, match="does not answer"):
                await ports.wallets.get("u1")
            with within(COMMIT_SECONDS), pytest.raises(Unavailable):
                await ports.ledger.commit([change])
        finally:
            own_mongo.thaw()
        assert await ports.ledger.commit([change]) == [True]
        await assert_charged_once(database)


@pytest.mark.parametrize("times", [1, 3])
async def test_a_commit_whose_answer_is_lost_is_found_out(
    mongo_server: MongoServer, times: int
) -> None:
    async with proxied(mongo_server) as (proxy, database):
        book = Book(mongo_ports(database).ledger)
        await book.do(granting("u1"))
        change = await book.change(deducting("u1", 1, binding("key")))
        proxy.lose_answer_to(COMMIT, times)
        assert await book.store.commit([change]) == [True]
        assert proxy.lost.is_set()
        await assert_charged_once(database)


async def test_a_commit_that_does_not_arrive_is_sent_again(mongo_server: MongoServer) -> None:
    async with proxied(mongo_server) as (proxy, database):
        book = Book(mongo_ports(database).ledger)
        await book.do(granting("u1"))
        change = await book.change(deducting("u1", 1, binding("key")))
        proxy.lose_request(COMMIT)
        assert await book.store.commit([change]) == [True]
        assert proxy.lost.is_set()
        await assert_charged_once(database)


@pytest.mark.parametrize("lost", ["request", "answer"])
async def test_a_write_that_is_cut_off_is_tried_again(mongo_server: MongoServer, lost: str) -> None:
    async with proxied(mongo_server) as (proxy, database):
        book = Book(mongo_ports(database).ledger)
        await book.do(granting("u1"))
        change = await book.change(deducting("u1", 1, binding("key")))
        lose = proxy.lose_request if lost == "request" else proxy.lose_answer_to
        lose(b"bulkWrite")
        assert await book.store.commit([change]) == [True]
        assert proxy.lost.is_set()
        await assert_charged_once(database)


async def test_where_nobody_can_say_a_repeat_charges_once(mongo_server: MongoServer) -> None:
    """The commit is stored, its answer is lost, and the server stays away."""
    async with proxied(mongo_server) as (proxy, database):
        book = Book(mongo_ports(database).ledger)
        await book.do(granting("u1"))
        change = await book.change(deducting("u1", 1, binding("key")))
        proxy.lose_answer_to(COMMIT, then_refuse=True)
        with within(COMMIT_SECONDS), pytest.raises(Unavailable) as unknown:
            await book.store.commit([change])
        assert "repeat with the same request key is safe" in unknown.value.message
        assert "127" in str(unknown.value)
        assert "127" not in unknown.value.message + str(unknown.value.details())
        proxy.heal()
        await assert_charged_once(database)
        again = await book.change(deducting("u1", 1, binding("other")))
        again.transactions[0].request_key = binding("key").key
        assert await book.store.commit([again]) == [False]
        await assert_charged_once(database)


async def test_a_server_that_forgot_its_sessions_is_asked_for_the_trace(
    own_mongo: MongoServer,
) -> None:
    """It is killed once the commit is stored, and started anew while the answer is waited for."""
    async with proxied(own_mongo) as (proxy, database):
        book = Book(mongo_ports(database).ledger)
        await book.do(granting("u1"))
        change = await book.change(deducting("u1", 1, binding("key")))
        proxy.lose_answer_to(COMMIT, then_refuse=True)
        committing = asyncio.create_task(book.store.commit([change]))
        await proxy.lost.wait()
        own_mongo.kill()
        await asyncio.to_thread(own_mongo.start)
        proxy.heal()
        assert await committing == [True]
        await assert_charged_once(database)


async def test_steps_alone_are_a_trace_where_the_wallets_mark_is_gone(
    own_mongo: MongoServer,
) -> None:
    """Another process has written the wallet before the commit's end could be asked for."""
    async with proxied(own_mongo) as (proxy, database):
        book = Book(mongo_ports(database).ledger)
        await book.do(granting("u1"))
        change = await nothing_but_the_wallet(book, "u1")
        change.steps.append(step("u1", 1))
        proxy.lose_answer_to(COMMIT, then_refuse=True)
        committing = asyncio.create_task(book.store.commit([change]))
        await proxy.lost.wait()
        async with opened_mongo(url_of(own_mongo, database.database.name)) as other:
            await Book(mongo_ports(other).ledger).do(deducting("u1", 1))
        own_mongo.kill()
        await asyncio.to_thread(own_mongo.start)
        proxy.heal()
        assert await committing == [True]
        assert await mongo_ports(database).history.of_user("u1", None, 5) == [step("u1", 1)]


async def test_answers_that_never_come_are_waited_for_no_longer_than_that(
    mongo_server: MongoServer,
) -> None:
    async with proxied(mongo_server) as (proxy, database):
        ports = mongo_ports(database)
        await Book(ports.ledger).do(granting("u1"))
        proxy.swallow_answers()
        with within(READ_SECONDS), pytest.raises(Unavailable, match="does not answer"):
            await ports.wallets.get("u1")
        proxy.heal()
        assert (await ports.wallets.get("u1")).available == 100
