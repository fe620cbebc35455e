"""The rate limit over processes: who shares a window, whose clock counts, what it costs Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from shothik_payment.adapters.redis import RedisAnswerCache, RedisConnection, RedisRateLimiter
from shothik_payment.domain.ports.answer_cache import FinishedAnswer
from tests.support.redis import age, connected, emptied_redis
from tests.support.servers.redis import RedisServer

HOUR = 3600
DAY = 86_400


@pytest.fixture
async def redis(request: pytest.FixtureRequest) -> AsyncIterator[RedisConnection]:
    async with emptied_redis(request.getfixturevalue) as connection:
        yield connection


async def test_processes_share_a_window(redis: RedisConnection, redis_server: RedisServer) -> None:
    async with connected(redis_server) as other:
        limiters = [RedisRateLimiter(c, open_on_loss=False) for c in (redis, other)]
        decisions = await asyncio.gather(
            *(limiters[n % 2].hit("service:s", 25, HOUR) for n in range(100))
        )
        assert sum(decision.allowed for decision in decisions) == 25
        assert sorted(d.remaining for d in decisions if d.allowed) == list(range(25))


async def test_a_process_whose_clock_is_wrong_counts_like_the_others(
    redis: RedisConnection, redis_server: RedisServer
) -> None:
    """The limiter is given no clock, and the window's age in Redis decides alone."""
    async with connected(redis_server) as other:
        for connection in (redis, other):
            limiter = RedisRateLimiter(connection, open_on_loss=False)
            assert (await limiter.hit("s", 2, HOUR)).allowed
        await age(redis, HOUR + 61)
        for connection in (redis, other):
            limiter = RedisRateLimiter(connection, open_on_loss=False)
            assert (await limiter.hit("s", 2, HOUR)).allowed
            refused = await limiter.hit("s", 1, HOUR)
            assert not refused.allowed
            assert refused.reset_seconds <= HOUR + 60


async def test_a_redis_whose_clock_was_ahead_locks_nobody_out(redis: RedisConnection) -> None:
    """As after a fail-over to a machine with another clock."""
    limiter = RedisRateLimiter(redis, open_on_loss=False)
    assert (await limiter.hit("s", 2, HOUR)).allowed
    await age(redis, -30 * DAY)
    assert (await limiter.hit("s", 2, HOUR)).allowed
    refused = await limiter.hit("s", 2, HOUR)
    assert not refused.allowed
    assert refused.reset_seconds <= HOUR + 61
    await age(redis, refused.reset_seconds)
    assert (await limiter.hit("s", 2, HOUR)).allowed


async def test_a_clock_that_is_set_back_ends_for_refused_callers_too(
    redis: RedisConnection,
) -> None:
    limiter = RedisRateLimiter(redis, open_on_loss=False)
    assert (await limiter.hit("s", 1, HOUR)).allowed
    await age(redis, -30 * DAY)
    for _ in range(3):
        refused = await limiter.hit("s", 1, HOUR)
        assert not refused.allowed
        await age(redis, HOUR / 3 + 30)
    assert (await limiter.hit("s", 1, HOUR)).allowed


async def test_what_a_window_takes_does_not_grow_with_its_limit(redis: RedisConnection) -> None:
    limiter = RedisRateLimiter(redis, open_on_loss=False)
    for _ in range(200):
        decisions = await asyncio.gather(*(limiter.hit("s", 10**9, HOUR) for _ in range(50)))
        assert decisions[-1].allowed
        await age(redis, 31)  # a slice lasts 60 s
    in_the_window = 10**9 - decisions[-1].remaining
    assert 50 * 116 <= in_the_window <= 50 * 119
    assert await redis.client.memory_usage("ratelimit:s:3600") < 1500


async def test_windows_go_away_by_themselves(redis: RedisConnection) -> None:
    limiter = RedisRateLimiter(redis, open_on_loss=False)
    await limiter.hit("service:s", 5, HOUR)
    await limiter.hit("initiate:u", 5, 60)
    assert HOUR < await redis.client.ttl("ratelimit:service:s:3600") <= HOUR + 60
    assert 60 < await redis.client.pttl("ratelimit:initiate:u:60") / 1000 <= 61
    assert await redis.client.dbsize() == 2


async def test_what_somebody_else_left_under_a_key_spoils_nothing(redis: RedisConnection) -> None:
    limiter = RedisRateLimiter(redis, open_on_loss=False)
    answers = RedisAnswerCache(redis)
    answers.put("k", FinishedAnswer(b"f", b"body"))
    await answers.get("k")
    (place,) = await redis.client.keys("idempotency:*")
    await redis.client.delete(place)
    await redis.client.rpush(place, "a list")
    await redis.client.rpush("ratelimit:list:3600", "a list")
    await redis.client.set("ratelimit:text:3600", "a text")
    await redis.client.set("ratelimit:empty:3600", "")
    begun = [limiter.hit(subject, 5, HOUR) for subject in ("list", "text", "empty", "new")]
    found = answers.get("k")
    assert [(await decision).remaining for decision in begun] == [4, 4, 4, 4]
    assert await found is None
    answers.put("k", FinishedAnswer(b"f", b"body"))
    assert await answers.get("k") is not None
    assert (await limiter.hit("list", 5, HOUR)).remaining == 3


async def test_a_redis_that_forgot_its_scripts_is_told_again(redis: RedisConnection) -> None:
    limiter = RedisRateLimiter(redis, open_on_loss=False)
    await limiter.hit("s", 5, HOUR)
    await redis.client.script_flush()
    decisions = await asyncio.gather(*(limiter.hit("s", 5, HOUR) for _ in range(3)))
    assert [d.remaining for d in decisions] == [3, 2, 1]
    assert all(d.counted for d in decisions)
