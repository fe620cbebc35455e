"""Started services."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.cluster import Cluster
from tests.e2e.service import Service
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


@pytest.fixture(params=["embedded", "servers"])
def deployment(request: pytest.FixtureRequest) -> Service | Cluster:
    name = {"embedded": "service", "servers": "cluster"}[request.param]
    started: Service | Cluster = request.getfixturevalue(name)
    return started
