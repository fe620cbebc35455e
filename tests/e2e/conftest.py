"""Started services."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.cluster import Cluster
from tests.e2e.service import Service
from tests.e2e.shop import Shop
from tests.e2e.tills import BkashTill, SandboxTill, StripeTill
from tests.support.servers.mongo import MongoServer, fresh_name, url_of
from tests.support.servers.rabbitmq import VirtualHost
from tests.support.servers.redis import RedisServer


@pytest.fixture
def unstarted(tmp_path: Path) -> Iterator[Service]:
    """A service for the test to start, and perhaps to stop."""
    made = Service(tmp_path)
    yield made
    made.kill()


@pytest.fixture
def service(unstarted: Service) -> Service:
    return unstarted.start()


@pytest.fixture
def unstarted_cluster(
    tmp_path: Path, mongo_server: MongoServer, redis_server: RedisServer, virtual_host: VirtualHost
) -> Iterator[Cluster]:
    """On servers that other tests use too: a database and a virtual host of its own."""
    made = Cluster(tmp_path, url_of(mongo_server, fresh_name()), redis_server.url, virtual_host)
    yield made
    made.kill()


@pytest.fixture
def cluster(unstarted_cluster: Cluster) -> Cluster:
    return unstarted_cluster.start()


Tills = tuple[SandboxTill, StripeTill, BkashTill]


@contextmanager
def open_tills(folder: Path) -> Iterator[Tills]:
    folders = [folder / "stripe", folder / "bkash"]
    for own in folders:
        own.mkdir()
    stripe, bkash = StripeTill(folders[0]), BkashTill(folders[1])
    try:
        stripe.simulator.start()
        bkash.simulator.start()
        yield SandboxTill(), stripe, bkash
    finally:
        bkash.simulator.stop()
        stripe.simulator.stop()


def settings_of(tills: Tills) -> dict[str, str]:
    found = {name: value for till in tills for name, value in till.settings().items()}
    return {**found, "LOG_LEVEL": "debug"}


@pytest.fixture(scope="module")
def tills(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tills]:
    with open_tills(tmp_path_factory.mktemp("tills")) as opened:
        yield opened


@pytest.fixture
def unstarted_shop(tmp_path: Path, tills: Tills) -> Iterator[Shop]:
    """On an embedded store, for the test to start and kill."""
    service = Service(tmp_path, **settings_of(tills))
    yield Shop(service, *tills)
    service.kill()


@pytest.fixture(scope="module", params=["embedded", "servers"])
def open_shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """Started once: each test has users of its own, and the books have to agree after all."""
    folder = tmp_path_factory.mktemp("shop")
    with open_tills(folder) as tills:
        made: Service | Cluster = Service(folder, **settings_of(tills))
        if request.param == "servers":
            mongo, redis, rabbitmq = (
                request.getfixturevalue(name)
                for name in ("mongo_server", "redis_server", "rabbitmq_server")
            )
            database = url_of(mongo, fresh_name())
            host = rabbitmq.virtual_host()
            made = Cluster(folder, database, redis.url, host, **settings_of(tills))
        made.start()
        try:
            yield Shop(made, *tills)
            made.verify()
        finally:
            made.kill()


@pytest.fixture
async def shop(open_shop: Shop) -> Shop:
    for till in open_shop.tills.values():
        await till.listen(open_shop.deployment.apis)
    return open_shop


@pytest.fixture(params=["embedded", "servers"])
def deployment(request: pytest.FixtureRequest) -> Service | Cluster:
    name = {"embedded": "service", "servers": "cluster"}[request.param]
    started: Service | Cluster = request.getfixturevalue(name)
    return started
