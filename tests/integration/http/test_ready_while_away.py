"""Where a server is away, the log says which one, and readiness tells nobody."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from functools import partial
from typing import TypeVar

import pytest
from structlog.testing import capture_logs

from shothik_payment.adapters.rabbitmq import RabbitConnection, RabbitHealth
from shothik_payment.adapters.redis import RedisConnection, RedisHealth
from shothik_payment.domain.ports.health import HealthCheck
from tests.contracts.bindings import Fixture, mongo_ports, opened_mongo
from tests.integration.http.support import World
from tests.support.proxy import Proxy
from tests.support.servers.mongo import fresh_name, url_of

PASSWORD = "password-of-the-tests"
C = TypeVar("C", RabbitConnection, RedisConnection)
Away = AbstractAsyncContextManager[tuple[HealthCheck, int]]
"""A check, and the port where its server is not."""


@contextmanager
def nobody(*, silent: bool) -> Iterator[int]:
    """A port where connections are refused; `silent`: taken, and never answered."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        if silent:
            place.listen()
        yield place.getsockname()[1]


@asynccontextmanager
async def mongo(fixture: Fixture, silent: bool) -> AsyncIterator[tuple[HealthCheck, int]]:
    """It was there when the process started."""
    server = fixture("mongo_server")
    async with AsyncExitStack() as after:
        proxying = AsyncExitStack()
        proxy = await proxying.enter_async_context(Proxy(server.host, server.port))
        after.push_async_callback(proxying.aclose)
        url = url_of(server, fresh_name(), proxy.port)
        database = await after.enter_async_context(opened_mongo(url, migrate=True))
        if silent:
            proxy.swallow_answers()
        else:
            await proxying.aclose()
        yield mongo_ports(database).health, proxy.port


@asynccontextmanager
async def never_there(
    scheme: str,
    connecting: Callable[[str], C],
    checking: Callable[[C], HealthCheck],
    _fixture: Fixture,
    silent: bool,
) -> AsyncIterator[tuple[HealthCheck, int]]:
    with nobody(silent=silent) as port:
        connection = connecting(f"{scheme}://service:{PASSWORD}@127.0.0.1:{port}/")
        yield checking(connection), port
    await connection.close()


SERVERS: dict[str, Callable[[Fixture, bool], Away]] = {
    "mongo": mongo,
    "rabbitmq": partial(never_there, "amqp", RabbitConnection, RabbitHealth),
    "redis": partial(never_there, "redis", RedisConnection, RedisHealth),
}


# See mongo/conftest.py.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@pytest.mark.parametrize("silent", [False, True], ids=["refused", "silent"])
@pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS)
async def test_the_log_alone_names_the_server_that_is_away(
    request: pytest.FixtureRequest, server: Callable[[Fixture, bool], Away], silent: bool
) -> None:
    world = World()
    async with server(request.getfixturevalue, silent) as (check, port):
        world.application.health[:] = [check]  # type: ignore[index]
        with capture_logs() as logged:
            answer = await world.client().get("http://test/health/ready")
    assert answer.status_code == 503
    assert answer.json()["dependencies"][check.name]["status"] == "unavailable"
    assert not any(told in answer.text for told in (str(port), "127", PASSWORD))
    (away,) = [line for line in logged if line["event"] == "dependency is away"]
    assert (away["log_level"], away["dependency"]) == ("error", check.name)
    assert str(port) in away["error"]
    assert PASSWORD not in str(logged)
