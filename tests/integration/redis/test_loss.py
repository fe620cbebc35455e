"""Redis away, silent, back: nobody waits long, answers go on, and it is found by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from shothik_payment.adapters.redis import (
    RedisAnswerCache,
    RedisConnection,
    RedisHealth,
    RedisRateLimiter,
    RedisSharedLock,
)
from shothik_payment.domain.errors import Misconfigured, Unavailable
from shothik_payment.domain.ports.answer_cache import FinishedAnswer
from shothik_payment.domain.ports.rate_limiter import RateDecision
from tests.support.redis import connected
from tests.support.servers.redis import RedisServer

ANSWER = FinishedAnswer(b"f", b"body")
TIMEOUT = 0.5
PASSWORD = "hunter2-&-more"


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < seconds


async def until_counted(limiter: RedisRateLimiter) -> None:
    async with asyncio.timeout(20):
        while True:  # it comes back by itself: nothing tells
            if (await limiter.hit("back?", 10**6, 60)).counted:
                return
            await asyncio.sleep(0.05)


async def test_away_and_back(own_redis: RedisServer) -> None:
    async with connected(own_redis, timeout_seconds=TIMEOUT) as redis:
        answers = RedisAnswerCache(redis)
        opened = RedisRateLimiter(redis, open_on_loss=True)
        closed = RedisRateLimiter(redis, open_on_loss=False)
        answers.put("k", ANSWER)
        assert await answers.get("k") == ANSWER
        assert (await opened.hit("s", 1, 60)).counted
        own_redis.kill()
        for _ in range(3):
            assert await opened.hit("s", 1, 60) == RateDecision(True, 1, 1, 60, 0, counted=False)
            with pytest.raises(Unavailable):
                await closed.hit("s", 1, 60)
            assert await answers.get("k") is None
            answers.put("k", ANSWER)
        with pytest.raises(Unavailable):
            await RedisHealth(redis).ping()
        with pytest.raises(Unavailable):
            async with RedisSharedLock(redis).hold("l", ttl_seconds=1, wait_seconds=1):
                pytest.fail("a lock without a server")
        own_redis.up()
        await until_counted(opened)
        assert (await closed.hit("s", 1, 60)).allowed
        await RedisHealth(redis).ping()
        assert await answers.get("k") is None
        answers.put("k", ANSWER)
        assert await answers.get("k") == ANSWER


async def test_a_service_starts_while_redis_is_away(own_redis: RedisServer) -> None:
    own_redis.kill()
    async with connected(own_redis, timeout_seconds=TIMEOUT) as redis:
        limiter = RedisRateLimiter(redis, open_on_loss=True)
        with at_most(0.2):
            assert not (await limiter.hit("s", 1, 60)).counted
        own_redis.up()
        await until_counted(limiter)


async def test_a_silent_redis_costs_a_bounded_time_once(own_redis: RedisServer) -> None:
    async with connected(own_redis, timeout_seconds=TIMEOUT) as redis:
        answers = RedisAnswerCache(redis)
        limiter = RedisRateLimiter(redis, open_on_loss=True)
        await limiter.hit("s", 10**6, 60)
        own_redis.freeze()
        with at_most(3 * TIMEOUT):
            decisions = await asyncio.gather(*(limiter.hit("s", 10**6, 60) for _ in range(50)))
            assert not any(decision.counted for decision in decisions)
        end = time.monotonic() + 4 * TIMEOUT
        took = list[float]()
        while time.monotonic() < end:  # also while it is looked for again
            begun = time.monotonic()
            assert await answers.get("k") is None
            assert (await limiter.hit("s", 10**6, 60)).allowed
            took.append(time.monotonic() - begun)
            await asyncio.sleep(0.01)
        assert sorted(took)[-2] < TIMEOUT / 2, "one may be the machine's fault"
        own_redis.thaw()
        await until_counted(limiter)


async def test_a_redis_that_dies_under_load_leaves_nobody_waiting(own_redis: RedisServer) -> None:
    async with connected(own_redis, timeout_seconds=TIMEOUT) as redis:
        limiter = RedisRateLimiter(redis, open_on_loss=True)
        answers = RedisAnswerCache(redis)
        asked = 0

        async def ask() -> None:
            nonlocal asked
            for n in range(100):
                assert (await limiter.hit("s", 10**6, 60)).allowed
                await answers.get(f"k{n}")
                answers.put(f"k{n}", ANSWER)
                asked += 1
                if asked == 500:
                    own_redis.kill()

        async with asyncio.timeout(10):
            await asyncio.gather(*(ask() for _ in range(20)))
        assert asked == 2000


async def test_a_restart_between_two_requests_is_not_noticed(own_redis: RedisServer) -> None:
    async with connected(own_redis) as redis:
        limiter = RedisRateLimiter(redis, open_on_loss=False)
        await limiter.hit("s", 5, 60)
        own_redis.kill()
        own_redis.up()
        decision = await limiter.hit("s", 5, 60)
        assert (decision.counted, decision.remaining) == (True, 4)
        assert await RedisAnswerCache(redis).get("k") is None


async def test_whoever_goes_away_disturbs_nobody(own_redis: RedisServer) -> None:
    async with connected(own_redis) as redis:
        limiter = RedisRateLimiter(redis, open_on_loss=False)

        async def ask() -> RateDecision:
            return await limiter.hit("s", 100, 60)

        asking = [asyncio.create_task(ask()) for _ in range(10)]
        await asyncio.sleep(0)
        for task in asking[::2]:
            task.cancel()
        decisions = await asyncio.gather(*asking[1::2])
        assert all(decision.counted for decision in decisions)
        assert (await ask()).remaining == 100 - 11


async def test_what_was_finished_is_kept_when_the_process_stops(own_redis: RedisServer) -> None:
    async with connected(own_redis) as redis:
        for n in range(1500):
            RedisAnswerCache(redis).put(f"k{n}", ANSWER)
    async with connected(own_redis) as redis:
        assert await redis.client.dbsize() == 1500
        assert await RedisAnswerCache(redis).get("k1499") == ANSWER
        assert 590 < await redis.client.ttl((await redis.client.keys("idempotency:*"))[0]) <= 600


async def test_an_answer_is_kept_though_nobody_asks_anything(
    own_redis: RedisServer,
) -> None:
    async with connected(own_redis) as redis:
        RedisAnswerCache(redis).put("k", ANSWER)
        async with asyncio.timeout(10):
            while True:
                if await redis.client.dbsize() == 1:
                    return
                await asyncio.sleep(0.01)


async def test_more_than_can_wait_is_let_go(own_redis: RedisServer) -> None:
    """Bounded, whatever Redis does."""
    async with connected(own_redis) as redis:
        answers = RedisAnswerCache(redis)
        limiter = RedisRateLimiter(redis, open_on_loss=True)
        for n in range(10_000):
            answers.put(f"k{n}", ANSWER)
        decisions = [limiter.hit(f"s{n}", 5, 60) for n in range(10_000)]
        counted = [(await decision).counted for decision in decisions]
        assert counted[0]
        assert not counted[-1]
        assert sum(counted) < 5000
        assert await redis.client.dbsize() < 8000


class Babbler:
    """In front of Redis: answers what is none, until `sane`. `asked` is set at each question."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.sane = False
        self.asked = asyncio.Event()
        self._serving: list[asyncio.Task[None] | None] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.append(asyncio.current_task())
        server_reader, server = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            while request := await reader.read(65_536):
                self.asked.set()
                server.write(request)
                answer = await server_reader.read(65_536)
                writer.write(answer if self.sane else b":no number\r\n")
        finally:
            for end in (server, writer):
                end.transport.abort()

    async def ended(self) -> None:
        """Once its clients are gone."""
        await asyncio.gather(*(task for task in self._serving if task), return_exceptions=True)
        await asyncio.sleep(0)  # the transports close in the loop's next turn


async def test_an_answer_that_is_none_does_not_end_the_look(own_redis: RedisServer) -> None:
    babbler = Babbler(own_redis.port)
    async with await asyncio.start_server(babbler.serve, "127.0.0.1") as listening:
        port = listening.sockets[0].getsockname()[1]
        redis = RedisConnection(own_redis.url.replace(str(own_redis.port), str(port)))
        await redis.open()
        limiter = RedisRateLimiter(redis, open_on_loss=True)
        for _ in range(2):
            babbler.asked.clear()
            async with asyncio.timeout(20):
                await babbler.asked.wait()
        assert not (await limiter.hit("s", 5, 60)).counted
        babbler.sane = True
        await until_counted(limiter)
        await redis.close()
        await babbler.ended()


@pytest.mark.parametrize("right", [True, False])
async def test_the_password_is_never_shown(tmp_path: Path, right: bool) -> None:
    server = RedisServer(tmp_path, PASSWORD).up()
    url = server.url if right else server.url.replace("hunter2", "hunter3")
    try:
        with capture_logs() as logs:
            redis = RedisConnection(url)
            await redis.open()
            limiter = RedisRateLimiter(redis, open_on_loss=True)
            assert (await limiter.hit("s", 5, 60)).counted == right
            shown = [repr(redis), repr(vars(redis)), repr(redis.round_trips), str(limiter)]
            server.kill()
            assert not (await limiter.hit("s", 5, 60)).counted
            with pytest.raises(Unavailable) as away:
                await redis.ping()
            shown += [str(away.value), repr(away.value), repr(away.value.__cause__)]
            await redis.close()
        assert [entry["event"] for entry in logs] == ["redis is away"]
        shown.append(repr(logs))
        assert "hunter" not in "".join(shown)
    finally:
        server.kill()


@pytest.mark.parametrize("url", ["http://:hunter2@h", "redis://:hunter2@h?socket_timeout=x"])
def test_a_url_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        RedisConnection(url)
    assert refused.value.where == "REDIS_URL"
    assert "hunter" not in str(refused.value)
    assert refused.value.__cause__ is None
