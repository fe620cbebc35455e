from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import RedisError

from shothik_payment.adapters.redis.connection import RedisConnection
from shothik_payment.domain.errors import Unavailable

_PREFIX = "value:"

# In one step, so that a value put in between is not taken away.
_FORGET = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
    redis.call('DEL', KEYS[1])
end
"""


class RedisSharedValues:
    """For all processes that use the same Redis."""

    def __init__(self, connection: RedisConnection) -> None:
        self._client = connection.client

    async def get(self, name: str) -> str | None:
        with _told():
            found = await self._client.get(_PREFIX + name)
        return found.decode() if isinstance(found, bytes) else found

    async def put(self, name: str, value: str, ttl_seconds: int) -> None:
        with _told():
            await self._client.set(_PREFIX + name, value, ex=ttl_seconds)

    async def forget(self, name: str, value: str) -> None:
        with _told():
            await self._client.eval(_FORGET, 1, _PREFIX + name, value)


@contextmanager
def _told() -> Iterator[None]:
    """The domain's error, without the server's words: they can repeat a value, which is secret."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise Unavailable(f"Redis does not answer ({type(error).__name__}).") from None
