"""Binds the suites of what Redis keeps: answers, limits, a lock, shared values."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from shothik_payment.adapters import memory
from shothik_payment.adapters.redis import (
    RedisAnswerCache,
    RedisRateLimiter,
    RedisSharedLock,
    RedisSharedValues,
)
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.answer_cache import AnswerCache
from shothik_payment.domain.ports.rate_limiter import RateLimiter
from shothik_payment.domain.ports.shared_lock import SharedLock
from shothik_payment.domain.ports.shared_values import SharedValues
from tests.contracts.bindings import Fixture
from tests.support.redis import age, connected, emptied_redis


class HeldClock:
    """Time moves when a test moves it."""

    def __init__(self) -> None:
        self._now = 1_800_000_000_000

    def now(self) -> Millis:
        return Millis(self._now)

    def advance(self, seconds: float) -> None:
        self._now += round(seconds * 1000)

    async def pass_by(self, seconds: float) -> None:
        self.advance(seconds)


Advance = Callable[[float], Awaitable[None]]
"""Lets seconds pass."""


@dataclass
class CacheBinding:
    cache: AnswerCache
    advance: Advance


@asynccontextmanager
async def memory_cache(_: Fixture) -> AsyncIterator[CacheBinding]:
    clock = HeldClock()
    yield CacheBinding(memory.MemoryAnswerCache(clock), clock.pass_by)


@asynccontextmanager
async def redis_cache(fixture: Fixture) -> AsyncIterator[CacheBinding]:
    async with emptied_redis(fixture) as connection:
        cache = RedisAnswerCache(connection)

        async def advance(seconds: float) -> None:
            await cache.get("")  # what is still on its way goes along
            await age(connection, seconds)

        yield CacheBinding(cache, advance)


CACHES: dict[str, Callable[[Fixture], AbstractAsyncContextManager[CacheBinding]]] = {
    "memory": memory_cache,
    "redis": redis_cache,
}


@dataclass
class LimiterBinding:
    """`now`: in seconds, as far as time moves by itself."""

    limiter: RateLimiter
    advance: Advance
    now: Callable[[], float]


@asynccontextmanager
async def memory_limiter(_: Fixture) -> AsyncIterator[LimiterBinding]:
    clock = HeldClock()
    yield LimiterBinding(memory.MemoryRateLimiter(clock), clock.pass_by, lambda: 0)


@asynccontextmanager
async def redis_limiter(fixture: Fixture) -> AsyncIterator[LimiterBinding]:
    async with emptied_redis(fixture) as connection:
        limiter = RedisRateLimiter(connection, open_on_loss=False)
        yield LimiterBinding(limiter, lambda seconds: age(connection, seconds), time.monotonic)


LIMITERS: dict[str, Callable[[Fixture], AbstractAsyncContextManager[LimiterBinding]]] = {
    "memory": memory_limiter,
    "redis": redis_limiter,
}


@asynccontextmanager
async def memory_lock(_: Fixture) -> AsyncIterator[SharedLock]:
    yield memory.MemorySharedLock()


@asynccontextmanager
async def redis_lock(fixture: Fixture) -> AsyncIterator[SharedLock]:
    async with emptied_redis(fixture) as connection:
        yield RedisSharedLock(connection)


LOCKS: dict[str, Callable[[Fixture], AbstractAsyncContextManager[SharedLock]]] = {
    "memory": memory_lock,
    "redis": redis_lock,
}


@dataclass
class ValuesBinding:
    """`theirs`: the same values as another process would see them."""

    ours: SharedValues
    theirs: SharedValues
    advance: Advance


@asynccontextmanager
async def memory_values(_: Fixture) -> AsyncIterator[ValuesBinding]:
    clock = HeldClock()
    values = memory.MemorySharedValues(lambda: clock.now() / 1000)
    yield ValuesBinding(values, values, clock.pass_by)


@asynccontextmanager
async def redis_values(fixture: Fixture) -> AsyncIterator[ValuesBinding]:
    async with emptied_redis(fixture) as ours, connected(fixture("redis_server")) as theirs:
        yield ValuesBinding(
            RedisSharedValues(ours), RedisSharedValues(theirs), lambda seconds: age(ours, seconds)
        )


VALUES: dict[str, Callable[[Fixture], AbstractAsyncContextManager[ValuesBinding]]] = {
    "memory": memory_values,
    "redis": redis_values,
}
