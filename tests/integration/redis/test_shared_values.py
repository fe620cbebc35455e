from __future__ import annotations

import time
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from shothik_payment.adapters.redis import RedisConnection, RedisSharedValues
from shothik_payment.domain.errors import Unavailable
from tests.support.redis import PATIENT_SECONDS, connected
from tests.support.servers.redis import RedisServer

SECRET = "planted-secret"


def calls(redis: RedisConnection) -> list[Callable[[], Awaitable[object]]]:
    values = RedisSharedValues(redis)
    return [
        lambda: values.get("token"),
        lambda: values.put("token", SECRET, 60),
        lambda: values.forget("token", SECRET),
    ]


@pytest.mark.parametrize("loss", [RedisServer.kill, RedisServer.freeze])
async def test_a_server_that_is_away_is_told_soon(
    own_redis: RedisServer, loss: Callable[[RedisServer], None]
) -> None:
    async with connected(own_redis, timeout_seconds=0.5) as redis:
        for call in calls(redis):
            await call()
        loss(own_redis)
        for call in calls(redis):
            begun = time.monotonic()
            with pytest.raises(Unavailable):
                await call()
            assert time.monotonic() - begun < PATIENT_SECONDS


async def test_it_is_back_when_the_server_is(own_redis: RedisServer) -> None:
    async with connected(own_redis) as redis:
        values = RedisSharedValues(redis)
        await values.put("token", SECRET, 60)
        own_redis.kill()
        with pytest.raises(Unavailable):
            await values.get("token")
        own_redis.up()
        assert await values.get("token") is None
        await values.put("token", SECRET, 60)
        assert await values.get("token") == SECRET


async def test_a_refusal_that_repeats_the_value_is_not_passed_on(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    with (tmp_path / "redis.conf").open("a") as settings:
        settings.write('rename-command SET ""\nrename-command EVAL ""\n')
    server.up()
    try:
        async with connected(server) as redis:
            for call in calls(redis)[1:]:
                with pytest.raises(Unavailable) as refused:
                    await call()
                error = refused.value
                told = "".join(traceback.format_exception(error))
                assert SECRET not in f"{error} {error!r} {told}"
    finally:
        server.kill()
