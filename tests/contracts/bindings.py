"""Binds the suites to stores and brokers; `cache_bindings.py` does so to what Redis keeps. A new
adapter adds its binding in these two and nothing elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shothik_payment.adapters import memory, mongo, sqlite
from shothik_payment.adapters.memory import MemoryState
from shothik_payment.adapters.mongo import MongoDatabase
from shothik_payment.adapters.rabbitmq import RabbitConnection, RabbitEventBroker
from shothik_payment.adapters.sqlite import SqliteDatabase
from shothik_payment.domain.ports.api_keys import ApiKeys
from shothik_payment.domain.ports.broker import Broker
from shothik_payment.domain.ports.documents import Documents
from shothik_payment.domain.ports.event_log import EventLog, RecordedEvent
from shothik_payment.domain.ports.health import HealthCheck
from shothik_payment.domain.ports.key_usage import KeyUsage
from shothik_payment.domain.ports.ledger_audit import LedgerAudit
from shothik_payment.domain.ports.ledger_store import LedgerStore
from shothik_payment.domain.ports.payments import Payments
from shothik_payment.domain.ports.pruning import Pruning
from shothik_payment.domain.ports.statistics import Statistics
from shothik_payment.domain.ports.subscription_history import SubscriptionHistory
from shothik_payment.domain.ports.wallets import Wallets
from shothik_payment.domain.ports.web_sessions import WebSessions
from shothik_payment.domain.ports.webhook_inbox import WebhookInbox
from tests.support.rabbit_client import Client, recorded
from tests.support.servers.mongo import fresh_name, url_of

Fixture = Callable[[str], Any]
"""Gives the fixture of that name; a server is started by being asked for."""


@dataclass
class StorePorts:
    ledger: LedgerStore
    wallets: Wallets
    payments: Payments
    history: SubscriptionHistory
    events: EventLog
    api_keys: ApiKeys
    audit: LedgerAudit
    pruning: Pruning
    inbox: WebhookInbox
    sessions: WebSessions
    key_usage: KeyUsage
    statistics: Statistics
    health: HealthCheck
    documents: Callable[[str], Documents]


@dataclass
class Stores:
    """One store, and the same store as another process would see it."""

    ours: StorePorts
    theirs: StorePorts


def memory_ports(state: MemoryState) -> StorePorts:
    return StorePorts(
        memory.MemoryLedgerStore(state),
        memory.MemoryWallets(state),
        memory.MemoryPayments(state),
        memory.MemorySubscriptionHistory(state),
        memory.MemoryEventLog(state),
        memory.MemoryApiKeys(state),
        memory.MemoryLedgerAudit(state),
        memory.MemoryPruning(state),
        memory.MemoryWebhookInbox(state),
        memory.MemoryWebSessions(state),
        memory.MemoryKeyUsage(state),
        memory.MemoryStatistics(state),
        memory.MemoryHealth("store"),
        lambda kind: memory.MemoryDocuments(state, kind),
    )


def sqlite_ports(database: SqliteDatabase) -> StorePorts:
    return StorePorts(
        sqlite.SqliteLedgerStore(database),
        sqlite.SqliteWallets(database),
        sqlite.SqlitePayments(database),
        sqlite.SqliteSubscriptionHistory(database),
        sqlite.SqliteEventLog(database),
        sqlite.SqliteApiKeys(database),
        sqlite.SqliteLedgerAudit(database),
        sqlite.SqlitePruning(database),
        sqlite.SqliteWebhookInbox(database),
        sqlite.SqliteWebSessions(database),
        sqlite.SqliteKeyUsage(database),
        sqlite.SqliteStatistics(database),
        sqlite.SqliteHealth(database),
        lambda kind: sqlite.SqliteDocuments(database, kind),
    )


def mongo_ports(database: MongoDatabase) -> StorePorts:
    return StorePorts(
        mongo.MongoLedgerStore(database),
        mongo.MongoWallets(database),
        mongo.MongoPayments(database),
        mongo.MongoSubscriptionHistory(database),
        mongo.MongoEventLog(database),
        mongo.MongoApiKeys(database),
        mongo.MongoLedgerAudit(database),
        mongo.MongoPruning(database),
        mongo.MongoWebhookInbox(database),
        mongo.MongoWebSessions(database),
        mongo.MongoKeyUsage(database),
        mongo.MongoStatistics(database),
        mongo.MongoHealth(database),
        lambda kind: mongo.MongoDocuments(database, kind),
    )


@asynccontextmanager
async def memory_stores(_: Path, __: Fixture) -> AsyncIterator[Stores]:
    state = MemoryState()
    yield Stores(memory_ports(state), memory_ports(state))


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[SqliteDatabase]:
    database = SqliteDatabase(path)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def sqlite_stores(directory: Path, _: Fixture) -> AsyncIterator[Stores]:
    path = directory / "made on demand" / "store.db"
    async with opened(path) as ours, opened(path) as theirs:
        yield Stores(sqlite_ports(ours), sqlite_ports(theirs))


@asynccontextmanager
async def opened_mongo(url: str, migrate: bool = False) -> AsyncIterator[MongoDatabase]:
    database = MongoDatabase(url, migrate_on_open=migrate)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def mongo_stores(_: Path, fixture: Fixture) -> AsyncIterator[Stores]:
    url = url_of(fixture("mongo_server"), fresh_name())
    async with opened_mongo(url, migrate=True) as ours, opened_mongo(url) as theirs:
        yield Stores(mongo_ports(ours), mongo_ports(theirs))


STORES: dict[str, Callable[[Path, Fixture], AbstractAsyncContextManager[Stores]]] = {
    "memory": memory_stores,
    "mongo": mongo_stores,
    "sqlite": sqlite_stores,
}


Take = Callable[[], Awaitable[RecordedEvent]]


@dataclass
class BrokerBinding:
    """`bind(queue, pattern)` makes a queue as a consumer would, and returns what waits for its
    next event and takes it."""

    broker: Broker
    bind: Callable[[str, str], Awaitable[Take]]


@asynccontextmanager
async def memory_broker(_: pytest.FixtureRequest) -> AsyncIterator[BrokerBinding]:
    broker = memory.MemoryBroker()

    async def bind(queue: str, pattern: str) -> Take:
        return broker.bind(queue, pattern).get

    yield BrokerBinding(broker, bind)


@asynccontextmanager
async def rabbitmq_broker(request: pytest.FixtureRequest) -> AsyncIterator[BrokerBinding]:
    url = request.getfixturevalue("virtual_host").url
    connection = RabbitConnection(url)
    async with Client(url) as client:
        await connection.open()

        async def bind(queue: str, pattern: str) -> Take:
            await client.assert_queue(queue)
            await client.bind(queue, pattern)

            async def take() -> RecordedEvent:
                return recorded(await client.take(queue))

            return take

        yield BrokerBinding(RabbitEventBroker(connection), bind)
        await connection.close()


BROKERS: dict[
    str, Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[BrokerBinding]]
] = {"memory": memory_broker, "rabbitmq": rabbitmq_broker}
