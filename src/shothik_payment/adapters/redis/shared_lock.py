from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from redis.asyncio.lock import Lock
from redis.exceptions import LockError, RedisError

from shothik_payment.adapters.redis.connection import RedisConnection
from shothik_payment.domain.errors import Unavailable

log = structlog.get_logger(__name__)

_PREFIX = "lock:"
_POLL_SECONDS = 0.05


class RedisSharedLock:
    """For all processes that use the same Redis."""

    def __init__(self, connection: RedisConnection) -> None:
        self._client = connection.client

    @asynccontextmanager
    async def hold(
        self, name: str, *, ttl_seconds: float, wait_seconds: float
    ) -> AsyncIterator[None]:
        lock = Lock(
            self._client,
            _PREFIX + name,
            timeout=ttl_seconds,
            sleep=_POLL_SECONDS,
            blocking_timeout=wait_seconds,
            thread_local=False,
        )
        try:
            taken = await lock.acquire()
        except (RedisError, OSError) as error:
            raise Unavailable("Redis does not answer.") from error
        if not taken:
            raise Unavailable("Somebody else is at it.")
        try:
            yield
        finally:
            await _leave(lock, name)


async def _leave(lock: Lock, name: str) -> None:
    try:
        await lock.release()
    except LockError:
        pass  # stayed too long: it is somebody else's by now, or nobody's
    except (RedisError, OSError) as error:
        # It ends by itself.
        log.warning("a lock was not given back", name=name, error=str(error))
