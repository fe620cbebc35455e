from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shothik_payment.adapters.rabbitmq import RabbitConnection, RabbitEventBroker
from tests.support.rabbit_client import Client
from tests.support.servers.rabbitmq import VirtualHost


@pytest.fixture
async def connection(virtual_host: VirtualHost) -> AsyncIterator[RabbitConnection]:
    connection = RabbitConnection(virtual_host.url)
    yield connection
    await connection.close()


@pytest.fixture
def broker(connection: RabbitConnection) -> RabbitEventBroker:
    return RabbitEventBroker(connection)


@pytest.fixture
async def client(virtual_host: VirtualHost) -> AsyncIterator[Client]:
    async with Client(virtual_host.url) as client:
        yield client
