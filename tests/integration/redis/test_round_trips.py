"""How often Redis is asked: by what the server itself has counted."""

from __future__ import annotations

import asyncio
from pathlib import Path

from shothik_payment.adapters.redis import RedisAnswerCache, RedisConnection, RedisRateLimiter
from shothik_payment.domain.ports.answer_cache import FinishedAnswer
from tests.integration.redis.support import serving
from tests.support.redis import connected
from tests.support.servers.redis import RedisServer

WITHIN_A_SCRIPT = {"get", "set", "time"}


async def asked(observer: RedisConnection) -> int:
    """Commands so far, without those that a script gave and the observer's own."""
    statistics = await observer.client.info("commandstats")
    return sum(
        figures["calls"]
        for name, figures in statistics.items()
        if name.removeprefix("cmdstat_") not in WITHIN_A_SCRIPT | {"info"}
    )


async def test_what_is_begun_together_shares_a_round_trip(own_redis: RedisServer) -> None:
    async with connected(own_redis) as observer, connected(own_redis) as redis:
        answers = RedisAnswerCache(redis)
        limiter = RedisRateLimiter(redis, open_on_loss=False)
        await limiter.hit("s", 10**6, 60)  # the script is there from now on
        before = await asked(observer)
        await asyncio.gather(
            *(limiter.hit("s", 10**6, 60) for _ in range(100)),
            *(answers.get(f"k{n}") for n in range(100)),
        )
        assert await asked(observer) - before == 1


async def test_what_is_begun_during_a_round_trip_shares_the_next(own_redis: RedisServer) -> None:
    async with connected(own_redis) as observer, connected(own_redis) as redis:
        limiter = RedisRateLimiter(redis, open_on_loss=False)
        await limiter.hit("s", 10**6, 60)
        before = await asked(observer)
        first = asyncio.ensure_future(limiter.hit("s", 10**6, 60))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        later = [limiter.hit("s", 10**6, 60) for _ in range(50)]
        assert not first.done()
        await asyncio.gather(first, *later)
        assert await asked(observer) - before == 2


async def test_finished_answers_ride_along(own_redis: RedisServer) -> None:
    async with connected(own_redis) as observer, connected(own_redis) as redis:
        answers = RedisAnswerCache(redis)
        limiter = RedisRateLimiter(redis, open_on_loss=False)
        await limiter.hit("s", 10**6, 60)
        before = await asked(observer)
        for n in range(100):
            answers.put(f"k{n}", FinishedAnswer(b"f", b"body"))
            await limiter.hit("s", 10**6, 60)
        assert await asked(observer) - before <= 150  # some had to go alone, in 50 ms
        assert await answers.get("k99") is not None


async def test_a_deduct_awaits_one_round_trip(own_redis: RedisServer, tmp_path: Path) -> None:
    """A repeat counts and looks, and has nothing to keep; what is to keep is awaited by nobody."""
    async with connected(own_redis) as observer, serving(tmp_path, own_redis) as service:
        await service.give("u1", 1000)
        assert (await service.deduct("u1", "k")).status_code == 200
        assert (await service.deduct("u1", "k")).headers["idempotency-replayed"] == "true"
        before = await asked(observer)
        for _ in range(20):
            assert (await service.deduct("u1", "k")).status_code == 200
        assert await asked(observer) - before == 20
        for n in range(20):
            assert (await service.deduct("u1", f"k{n}")).status_code == 200
        assert 20 <= await asked(observer) - before - 20 <= 40


async def test_deducts_in_flight_share_round_trips(own_redis: RedisServer, tmp_path: Path) -> None:
    async with connected(own_redis) as observer, serving(tmp_path, own_redis) as service:
        await service.give("u1", 1000)
        assert (await service.deduct("u1", "first")).status_code == 200
        before = await asked(observer)
        done = await asyncio.gather(*(service.deduct("u1", f"k{n}") for n in range(64)))
        assert {answer.status_code for answer in done} == {200}
        assert await asked(observer) - before <= 32
