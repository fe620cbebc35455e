"""The Redis adapter under test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from shothik_payment.adapters.redis import RedisConnection
from tests.support.servers.redis import RedisServer

PATIENT_SECONDS = 20
"""A busy machine is no fault of Redis."""

_AGE = """
local ms = tonumber(ARGV[1])
for _, key in ipairs(redis.call('KEYS', '*')) do
    if string.sub(key, 1, 10) == 'ratelimit:' then
        local slices = cmsgpack.unpack(redis.call('GET', key))
        for i = 1, #slices, 2 do
            slices[i] = slices[i] - ms
        end
        redis.call('SET', key, cmsgpack.pack(slices), 'KEEPTTL')
    end
    redis.call('PEXPIRE', key, redis.call('PTTL', key) - ms)
end
"""


async def age(connection: RedisConnection, seconds: float) -> None:
    """Redis's clock cannot be set, so what it holds gets older instead (or, where `seconds` are
    negative, younger, as when the clock is set back)."""
    await connection.client.eval(_AGE, 0, round(seconds * 1000))


@asynccontextmanager
async def connected(server: RedisServer, **options: Any) -> AsyncIterator[RedisConnection]:
    connection = RedisConnection(server.url, **{"timeout_seconds": PATIENT_SECONDS, **options})
    await connection.open()
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def emptied_redis(fixture: Callable[[str], Any]) -> AsyncIterator[RedisConnection]:
    async with connected(fixture("redis_server")) as connection:
        await connection.client.flushall()
        yield connection
