"""What stands behind the URLs: the adapters of each kind of store, cache and broker. Those of
servers that are not configured are not even imported."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from shothik_payment.domain.errors import Misconfigured
from shothik_payment.domain.ports.answer_cache import AnswerCache
from shothik_payment.domain.ports.api_keys import ApiKeys
from shothik_payment.domain.ports.broker import Broker
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.documents import Documents
from shothik_payment.domain.ports.event_log import EventLog
from shothik_payment.domain.ports.event_stream import EventStream
from shothik_payment.domain.ports.health import HealthCheck
from shothik_payment.domain.ports.key_usage import KeyUsage
from shothik_payment.domain.ports.ledger_audit import LedgerAudit
from shothik_payment.domain.ports.ledger_store import LedgerStore
from shothik_payment.domain.ports.outbox_watch import OutboxWatch
from shothik_payment.domain.ports.payments import Payments
from shothik_payment.domain.ports.pruning import Pruning
from shothik_payment.domain.ports.rate_limiter import RateLimiter
from shothik_payment.domain.ports.shared_lock import SharedLock
from shothik_payment.domain.ports.shared_values import SharedValues
from shothik_payment.domain.ports.statistics import Statistics
from shothik_payment.domain.ports.subscription_history import SubscriptionHistory
from shothik_payment.domain.ports.wallets import Wallets
from shothik_payment.domain.ports.web_sessions import WebSessions
from shothik_payment.domain.ports.webhook_inbox import WebhookInbox
from shothik_payment.entrypoints.settings import OnLoss, Settings


class Connection(Protocol):
    """What is opened before use, and closed after."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Store:
    """The ports of one data store. `migrate` makes it what this release expects."""

    connections: list[Connection]
    migrate: Callable[[], Awaitable[None]]
    ledger: LedgerStore
    wallets: Wallets
    payments: Payments
    subscription_history: SubscriptionHistory
    api_keys: ApiKeys
    events: EventLog
    audit: LedgerAudit
    pruning: Pruning
    inbox: WebhookInbox
    sessions: WebSessions
    key_usage: KeyUsage
    statistics: Statistics
    health: HealthCheck
    documents: Callable[[str], Documents]
    watch: OutboxWatch | None = None


@dataclass(frozen=True, slots=True)
class Cache:
    connections: list[Connection]
    answers: AnswerCache
    limiter: RateLimiter
    lock: SharedLock
    shared: SharedValues
    health: HealthCheck


@dataclass(frozen=True, slots=True)
class Messages:
    """`stream` None: what is published reaches nobody outside this process."""

    connections: list[Connection]
    broker: Broker
    health: HealthCheck
    stream: EventStream | None = None


def connections(store: Store, cache: Cache, messages: Messages) -> list[Connection]:
    return [*store.connections, *cache.connections, *messages.connections]


def memory_store(settings: Settings) -> Store:
    from shothik_payment.adapters import memory

    state = memory.MemoryState()

    async def migrate() -> None: ...

    return Store(
        [],
        migrate,
        memory.MemoryLedgerStore(state),
        memory.MemoryWallets(state),
        memory.MemoryPayments(state),
        memory.MemorySubscriptionHistory(state),
        memory.MemoryApiKeys(state),
        memory.MemoryEventLog(state),
        memory.MemoryLedgerAudit(state),
        memory.MemoryPruning(state),
        memory.MemoryWebhookInbox(state),
        memory.MemoryWebSessions(state),
        memory.MemoryKeyUsage(state),
        memory.MemoryStatistics(state),
        memory.MemoryHealth("store"),
        lambda kind: memory.MemoryDocuments(state, kind),
    )


def sqlite_store(settings: Settings) -> Store:
    from shothik_payment.adapters import sqlite

    path = settings.sqlite_path
    if path is None:
        raise Misconfigured("DATABASE_URL", "names no file")
    database = sqlite.SqliteDatabase(path)

    async def migrate() -> None:
        await database.open()
        await database.close()

    return Store(
        [database],
        migrate,
        sqlite.SqliteLedgerStore(database),
        sqlite.SqliteWallets(database),
        sqlite.SqlitePayments(database),
        sqlite.SqliteSubscriptionHistory(database),
        sqlite.SqliteApiKeys(database),
        sqlite.SqliteEventLog(database),
        sqlite.SqliteLedgerAudit(database),
        sqlite.SqlitePruning(database),
        sqlite.SqliteWebhookInbox(database),
        sqlite.SqliteWebSessions(database),
        sqlite.SqliteKeyUsage(database),
        sqlite.SqliteStatistics(database),
        sqlite.SqliteHealth(database),
        lambda kind: sqlite.SqliteDocuments(database, kind),
    )


def mongodb_store(settings: Settings) -> Store:
    from shothik_payment.adapters import mongo

    database = mongo.MongoDatabase(
        settings.database_url.get_secret_value(), migrate_on_open=not settings.production
    )
    return Store(
        [database],
        database.migrate,
        mongo.MongoLedgerStore(database),
        mongo.MongoWallets(database),
        mongo.MongoPayments(database),
        mongo.MongoSubscriptionHistory(database),
        mongo.MongoApiKeys(database),
        mongo.MongoEventLog(database),
        mongo.MongoLedgerAudit(database),
        mongo.MongoPruning(database),
        mongo.MongoWebhookInbox(database),
        mongo.MongoWebSessions(database),
        mongo.MongoKeyUsage(database),
        mongo.MongoStatistics(database),
        mongo.MongoHealth(database),
        lambda kind: mongo.MongoDocuments(database, kind),
        mongo.MongoOutboxWatch(database),
    )


def memory_cache(settings: Settings, clock: Clock) -> Cache:
    from shothik_payment.adapters import memory

    return Cache(
        [],
        memory.MemoryAnswerCache(clock),
        memory.MemoryRateLimiter(clock),
        memory.MemorySharedLock(),
        memory.MemorySharedValues(),
        memory.MemoryHealth("cache"),
    )


def redis_cache(settings: Settings, clock: Clock) -> Cache:
    from shothik_payment.adapters import redis

    connection = redis.RedisConnection(settings.redis_url.get_secret_value())
    return Cache(
        [connection],
        redis.RedisAnswerCache(connection),
        redis.RedisRateLimiter(
            connection, open_on_loss=settings.rate_limit_on_redis_loss is OnLoss.OPEN
        ),
        redis.RedisSharedLock(connection),
        redis.RedisSharedValues(connection),
        redis.RedisHealth(connection),
    )


def memory_messages(settings: Settings) -> Messages:
    from shothik_payment.adapters import memory

    return Messages([], memory.MemoryBroker(), memory.MemoryHealth("broker"))


def amqp_messages(settings: Settings) -> Messages:
    from shothik_payment.adapters import rabbitmq

    connection = rabbitmq.RabbitConnection(settings.rabbitmq_url.get_secret_value())
    return Messages(
        [connection],
        rabbitmq.RabbitEventBroker(connection),
        rabbitmq.RabbitHealth(connection),
        rabbitmq.RabbitEventStream(connection),
    )
