from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as LostConnection
from redis.exceptions import RedisError

from shothik_payment.adapters.redis.round_trips import RoundTrips
from shothik_payment.domain.errors import DependencyUnavailable, Misconfigured

TIMEOUT_SECONDS = 0.5
MAX_CONNECTIONS = 32
"""Round trips take one of them, locks the others."""


class RedisConnection:
    """One process's way to one Redis server (no cluster: a round trip takes keys of many slots).

    `url` may hold a password, which is never shown. `timeout_seconds`: what a server that says
    nothing costs a request, once; from then on it counts as away until it answers again.
    """

    def __init__(self, url: str, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        options = _options(url)
        self.address = f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"
        self.client: Redis = Redis(
            connection_pool=ConnectionPool(
                **{
                    "socket_timeout": timeout_seconds,
                    "socket_connect_timeout": timeout_seconds,
                    "max_connections": MAX_CONNECTIONS,
                    "protocol": 2,
                    **options,
                    "decode_responses": False,
                    # Once more where the connection is gone, as after a restart. What was done
                    # before it went is done twice then: a request may count twice, no more.
                    "retry": Retry(NoBackoff(), 1, supported_errors=(LostConnection,)),
                }
            )
        )
        self.round_trips = RoundTrips(self.client, self.address, timeout_seconds)

    async def open(self) -> None:
        """A server that is away is looked for in the background; the service starts without."""
        await self.round_trips.open()

    async def close(self) -> None:
        """Once what was begun is done."""
        await self.round_trips.close()
        await self.client.aclose(close_connection_pool=True)

    async def ping(self) -> None:
        """Raises Unavailable."""
        try:
            await self.client.ping()
        except (RedisError, OSError) as error:
            said = f"Redis at {self.address} does not answer ({str(error) or repr(error)})."
            raise DependencyUnavailable("Redis does not answer.", said) from error


def _options(url: str) -> dict[str, Any]:
    try:
        # The library passes over a path that is no number, and takes a part of a password with
        # a # or ? in it for the host.
        parts = urlsplit(url)
        if not re.fullmatch("/?|/[0-9]{1,6}", parts.path) or "@" in parts.query or parts.fragment:
            raise ValueError
        return dict(parse_url(url))
    except ValueError:
        # Not repeated: the URL has a password in it.
        raise Misconfigured(
            "REDIS_URL",
            "expected redis://user:password@host:port/database, with special characters of user and"
            " password percent-encoded",
        ) from None
