"""A slow broker is waited for; one that stands still is not."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator

import pytest
from yarl import URL

from shothik_payment.adapters.rabbitmq import RabbitConnection, RabbitEventBroker
from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.ports.broker import Delivery
from shothik_payment.domain.ports.event_log import RecordedEvent
from tests.support.proxy import Proxy
from tests.support.published import event
from tests.support.rabbit_client import Client
from tests.support.servers.rabbitmq import VirtualHost

QUEUE = "all_service.credit.added"
STALLED_SECONDS = 5


@pytest.fixture
async def proxy(virtual_host: VirtualHost) -> AsyncIterator[Proxy]:
    server = URL(virtual_host.url)
    async with Proxy(str(server.host), int(server.port or 0)) as proxy:
        yield proxy


@pytest.fixture
async def connection(virtual_host: VirtualHost, proxy: Proxy) -> AsyncIterator[RabbitConnection]:
    connection = RabbitConnection(str(URL(virtual_host.url).with_port(proxy.port)))
    await connection.open()
    yield connection
    await connection.close()


def _big(count: int) -> list[RecordedEvent]:
    """Of one chunk each on their way."""
    events = [event("credit.added", n + 1) for n in range(count)]
    for each in events:
        each.data = json.dumps({"text": "x" * 64_000}).encode()
    return events


async def test_a_batch_may_take_long_while_confirms_come(
    broker: RabbitEventBroker, client: Client, proxy: Proxy
) -> None:
    await client.assert_queue(QUEUE)
    events = _big(20)
    proxy.delay_seconds = 0.4
    started = time.monotonic()
    assert await broker.publish(events, QUEUE) == [Delivery.TAKEN] * len(events)
    assert time.monotonic() - started > STALLED_SECONDS + 1
    assert [(await client.take(QUEUE)).message_id for _ in events] == [e.id for e in events]


async def test_no_more_confirms_are_told_in_time(
    broker: RabbitEventBroker, client: Client, proxy: Proxy
) -> None:
    await client.assert_queue(QUEUE)
    proxy.delay_seconds = 0.1
    proxy.swallow_answers(after_bytes=21)  # one confirm
    started = time.monotonic()
    with pytest.raises(Unavailable, match="does not answer"):
        await broker.publish(_big(10), QUEUE)
    assert STALLED_SECONDS <= time.monotonic() - started < 2 * STALLED_SECONDS + 1
    proxy.heal()
    assert await broker.publish([event("credit.added")], QUEUE) == [Delivery.TAKEN]
