from __future__ import annotations

from shothik_payment.adapters.redis.connection import RedisConnection


class RedisHealth:
    name = "cache"

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection

    async def ping(self) -> None:
        await self._connection.ping()
