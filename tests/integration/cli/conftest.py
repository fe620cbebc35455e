"""Commands beside a RabbitMQ."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shothik_payment.adapters.rabbitmq import RabbitConnection, RabbitEventBroker
from tests.e2e.service import Service
from tests.support.rabbit_client import Client
from tests.support.servers.rabbitmq import VirtualHost


@pytest.fixture
def command(tmp_path: Path, virtual_host: VirtualHost) -> Service:
    """Commands on a store and a virtual host of their own; no server runs."""
    made = Service(tmp_path)
    made.environment["RABBITMQ_URL"] = virtual_host.url
    return made


@pytest.fixture
async def broker(virtual_host: VirtualHost) -> AsyncIterator[RabbitEventBroker]:
    connection = RabbitConnection(virtual_host.url)
    yield RabbitEventBroker(connection)
    await connection.close()


@pytest.fixture
async def client(virtual_host: VirtualHost) -> AsyncIterator[Client]:
    async with Client(virtual_host.url) as client:
        yield client
