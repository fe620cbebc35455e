"""Binds the suites to the adapters. A new adapter adds its binding here and nothing elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from shothik_payment.adapters.memory.answer_cache import MemoryAnswerCache
from shothik_payment.adapters.memory.api_keys import MemoryApiKeys
from shothik_payment.adapters.memory.broker import MemoryBroker
from shothik_payment.adapters.memory.documents import MemoryDocuments
from shothik_payment.adapters.memory.event_log import MemoryEventLog
from shothik_payment.adapters.memory.health import MemoryHealth
from shothik_payment.adapters.memory.ledger_audit import MemoryLedgerAudit
from shothik_payment.adapters.memory.ledger_store import MemoryLedgerStore
from shothik_payment.adapters.memory.payments import MemoryPayments
from shothik_payment.adapters.memory.rate_limiter import MemoryRateLimiter
from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.adapters.memory.wallets import MemoryWallets
from shothik_payment.adapters.sqlite.api_keys import SqliteApiKeys
from shothik_payment.adapters.sqlite.database import SqliteDatabase
from shothik_payment.adapters.sqlite.documents import SqliteDocuments
from shothik_payment.adapters.sqlite.event_log import SqliteEventLog
from shothik_payment.adapters.sqlite.health import SqliteHealth
from shothik_payment.adapters.sqlite.ledger_audit import SqliteLedgerAudit
from shothik_payment.adapters.sqlite.ledger_store import SqliteLedgerStore
from shothik_payment.adapters.sqlite.payments import SqlitePayments
from shothik_payment.adapters.sqlite.wallets import SqliteWallets
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.answer_cache import AnswerCache
from shothik_payment.domain.ports.api_keys import ApiKeys
from shothik_payment.domain.ports.broker import Broker
from shothik_payment.domain.ports.documents import Documents
from shothik_payment.domain.ports.event_log import EventLog, RecordedEvent
from shothik_payment.domain.ports.health import HealthCheck
from shothik_payment.domain.ports.ledger_audit import LedgerAudit
from shothik_payment.domain.ports.ledger_store import LedgerStore
from shothik_payment.domain.ports.payments import Payments
from shothik_payment.domain.ports.rate_limiter import RateLimiter
from shothik_payment.domain.ports.wallets import Wallets


@dataclass
class StorePorts:
    ledger: LedgerStore
    wallets: Wallets
    payments: Payments
    events: EventLog
    api_keys: ApiKeys
    audit: LedgerAudit
    health: HealthCheck
    documents: Callable[[str], Documents]


@dataclass
class Stores:
    """One store, and the same store as another process would see it."""

    ours: StorePorts
    theirs: StorePorts


def memory_ports(state: MemoryState) -> StorePorts:
    return StorePorts(
        MemoryLedgerStore(state),
        MemoryWallets(state),
        MemoryPayments(state),
        MemoryEventLog(state),
        MemoryApiKeys(state),
        MemoryLedgerAudit(state),
        MemoryHealth("store"),
        lambda kind: MemoryDocuments(state, kind),
    )


def sqlite_ports(database: SqliteDatabase) -> StorePorts:
    return StorePorts(
        SqliteLedgerStore(database),
        SqliteWallets(database),
        SqlitePayments(database),
        SqliteEventLog(database),
        SqliteApiKeys(database),
        SqliteLedgerAudit(database),
        SqliteHealth(database),
        lambda kind: SqliteDocuments(database, kind),
    )


@asynccontextmanager
async def memory_stores(_: Path) -> AsyncIterator[Stores]:
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
async def sqlite_stores(directory: Path) -> AsyncIterator[Stores]:
    path = directory / "made on demand" / "store.db"
    async with opened(path) as ours, opened(path) as theirs:
        yield Stores(sqlite_ports(ours), sqlite_ports(theirs))


STORES: dict[str, Callable[[Path], AbstractAsyncContextManager[Stores]]] = {
    "memory": memory_stores,
    "sqlite": sqlite_stores,
}


class HeldClock:
    """Time moves when a test moves it."""

    def __init__(self) -> None:
        self._now = 1_800_000_000_000

    def now(self) -> Millis:
        return Millis(self._now)

    def advance(self, seconds: float) -> None:
        self._now += round(seconds * 1000)


@dataclass
class CacheBinding:
    """`advance` lets seconds pass; `max_answers` is how many the cache was told to keep."""

    cache: AnswerCache
    advance: Callable[[float], None]
    max_answers: int


@asynccontextmanager
async def memory_cache() -> AsyncIterator[CacheBinding]:
    clock = HeldClock()
    yield CacheBinding(MemoryAnswerCache(clock, max_answers=100), clock.advance, 100)


CACHES: dict[str, Callable[[], AbstractAsyncContextManager[CacheBinding]]] = {
    "memory": memory_cache
}


@dataclass
class LimiterBinding:
    limiter: RateLimiter
    advance: Callable[[float], None]


@asynccontextmanager
async def memory_limiter() -> AsyncIterator[LimiterBinding]:
    clock = HeldClock()
    yield LimiterBinding(MemoryRateLimiter(clock), clock.advance)


LIMITERS: dict[str, Callable[[], AbstractAsyncContextManager[LimiterBinding]]] = {
    "memory": memory_limiter
}


Take = Callable[[], Awaitable[RecordedEvent]]


@dataclass
class BrokerBinding:
    """`bind(queue, pattern)` makes a queue as a consumer would, and returns what waits for its
    next event and takes it."""

    broker: Broker
    bind: Callable[[str, str], Awaitable[Take]]


@asynccontextmanager
async def memory_broker() -> AsyncIterator[BrokerBinding]:
    broker = MemoryBroker()

    async def bind(queue: str, pattern: str) -> Take:
        return broker.bind(queue, pattern).get

    yield BrokerBinding(broker, bind)


BROKERS: dict[str, Callable[[], AbstractAsyncContextManager[BrokerBinding]]] = {
    "memory": memory_broker
}
