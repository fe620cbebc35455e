from __future__ import annotations

import asyncio

import pytest
from pymongo import monitoring
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from shothik_payment.adapters.mongo import MongoOutboxWatch, names
from shothik_payment.domain.errors import Unavailable
from tests.contracts.bindings import mongo_ports, opened_mongo
from tests.contracts.book import NOW, Book, granting
from tests.support.proxy import Proxy
from tests.support.servers.mongo import MongoServer, fresh_name, url_of

# See conftest.py.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


async def test_a_commit_of_another_process_is_heard(url: str) -> None:
    async with opened_mongo(url, migrate=True) as ours, opened_mongo(url) as theirs:
        watch = MongoOutboxWatch(ours)
        assert not await watch.changed(0.05)
        hearing = asyncio.create_task(watch.changed(30))
        await Book(mongo_ports(theirs).ledger).do(granting("u1"))
        assert await hearing
        assert not await watch.changed(0.05)
        await watch.close()


async def test_marking_events_wakes_nobody(url: str) -> None:
    async with opened_mongo(url, migrate=True) as database:
        watch = MongoOutboxWatch(database)
        ports = mongo_ports(database)
        assert not await watch.changed(0.05)
        await Book(ports.ledger).do(*(granting("u1") for _ in range(20)))
        assert await watch.changed(30)
        await ports.events.mark(await ports.events.unpublished(range(16), 100), [], NOW)
        assert not await watch.changed(0.5)
        await watch.close()


class Sessions(CommandListener):
    """Which ones were used to open a change stream."""

    def __init__(self) -> None:
        self.used: list[bytes] = []

    def started(self, event: CommandStartedEvent) -> None:
        if "$changeStream" in str(event.command.get("pipeline")):
            self.used.append(event.command["lsid"]["id"])

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...


async def test_a_stream_that_the_server_ends_is_opened_anew(url: str) -> None:
    sessions = Sessions()
    monitoring.register(sessions)
    async with opened_mongo(url, migrate=True) as database:
        watch = MongoOutboxWatch(database)
        assert not await watch.changed(0.05)
        await database.collection(names.OUTBOX).drop()
        async with asyncio.timeout(30):
            while len(sessions.used) < 2:
                await watch.changed(0.05)
        hearing = asyncio.create_task(watch.changed(30))
        await Book(mongo_ports(database).ledger).do(granting("u1"))
        assert await hearing
        await watch.close()
    assert len(set(sessions.used)) == 1  # ended, and used again


async def test_a_server_that_is_away_is_told_and_heard_again(mongo_server: MongoServer) -> None:
    name = fresh_name()
    async with (
        Proxy(mongo_server.host, mongo_server.port) as proxy,
        opened_mongo(url_of(mongo_server, name), migrate=True) as theirs,
        opened_mongo(url_of(mongo_server, name, proxy.port)) as ours,
    ):
        watch = MongoOutboxWatch(ours)
        assert not await watch.changed(0.05)
        proxy.refuse()
        with pytest.raises(Unavailable):
            await watch.changed(30)
        proxy.heal()
        assert not await watch.changed(0.05)
        hearing = asyncio.create_task(watch.changed(30))
        await Book(mongo_ports(theirs).ledger).do(granting("u1"))
        assert await hearing
        await watch.close()
