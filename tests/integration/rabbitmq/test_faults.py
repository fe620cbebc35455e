"""RabbitMQ stopped, killed, frozen, and back."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

from shothik_payment.adapters.rabbitmq import (
    RabbitConnection,
    RabbitEventBroker,
    RabbitEventStream,
    RabbitHealth,
)
from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.ports.broker import Delivery
from shothik_payment.domain.ports.event_stream import ReceivedEvent
from tests.support.published import stop
from tests.support.rabbit_client import Client
from tests.support.servers.rabbitmq import RabbitServer, VirtualHost

STOPS = "paraphrase_service.stop_user"
BOUND_SECONDS = 6


@pytest.fixture
def host(own_rabbitmq: RabbitServer) -> VirtualHost:
    return own_rabbitmq.virtual_host()


@pytest.fixture
async def connection(host: VirtualHost) -> AsyncIterator[RabbitConnection]:
    connection = RabbitConnection(host.url)
    await connection.open()
    yield connection
    await connection.close()


async def _told_as_away(connection: RabbitConnection) -> None:
    broker, stream = RabbitEventBroker(connection), RabbitEventStream(connection)
    for attempt in (
        broker.publish([stop()]),
        broker.declare_control_queues(["paraphrase_service"]),
        RabbitHealth(connection).ping(),
        anext(stream.received([STOPS])),
    ):
        started = time.monotonic()
        with pytest.raises(Unavailable, match="broker"):
            await attempt
        assert time.monotonic() - started < BOUND_SECONDS


async def _until_the_loss(received: AsyncGenerator[ReceivedEvent, None]) -> None:
    async for _ in received:
        pass


async def test_a_broker_that_was_away_is_told_so_in_time_and_found_again(
    own_rabbitmq: RabbitServer, host: VirtualHost, connection: RabbitConnection
) -> None:
    broker, stream = RabbitEventBroker(connection), RabbitEventStream(connection)
    await broker.declare_control_queues(["paraphrase_service"])
    events = [stop(n) for n in range(1, 7)]
    assert await broker.publish(events[:2]) == [Delivery.TAKEN] * 2
    await asyncio.to_thread(own_rabbitmq.stop)
    late = RabbitConnection(host.url)
    await late.open()
    await _told_as_away(connection)
    await _told_as_away(connection)
    await asyncio.to_thread(own_rabbitmq.restart)
    assert await broker.publish(events[2:4]) == [Delivery.TAKEN] * 2
    await RabbitHealth(connection).ping()
    await RabbitHealth(late).ping()
    received = stream.received([STOPS])
    first = await anext(received)
    await stream.accept(first)
    unanswered = await anext(received)
    assert [first.id, unanswered.id] == [e.id for e in events[:2]]
    # Only now: RabbitMQ 3 forgets a quorum queue that is younger than seconds when it is killed.
    await asyncio.to_thread(own_rabbitmq.kill)
    with pytest.raises(Unavailable):
        await _until_the_loss(received)
    with pytest.raises(Unavailable):
        await stream.accept(unanswered)
    await _told_as_away(connection)
    await asyncio.to_thread(own_rabbitmq.restart)
    assert await RabbitEventBroker(late).publish(events[4:]) == [Delivery.TAKEN] * 2
    await late.close()
    async with Client(host.url) as client:
        heard = [(await client.take(STOPS)).message_id for _ in range(5)]
        if heard[0] == first.id:  # its answer got lost
            heard = [*heard[1:], (await client.take(STOPS)).message_id]
    assert heard == [e.id for e in events[1:]]


async def test_a_frozen_broker_is_told_in_time_and_the_order_is_kept(
    own_rabbitmq: RabbitServer, host: VirtualHost, connection: RabbitConnection
) -> None:
    broker = RabbitEventBroker(connection)
    await broker.declare_control_queues(["paraphrase_service"])
    events = [stop(n) for n in range(1, 401)]
    own_rabbitmq.freeze()
    try:
        started = time.monotonic()
        with pytest.raises(Unavailable, match="does not answer"):
            await broker.publish(events)
        with pytest.raises(Unavailable, match="does not answer"):
            await RabbitHealth(connection).ping()
        assert time.monotonic() - started < 2 * BOUND_SECONDS
    finally:
        own_rabbitmq.thaw()
    while True:
        try:
            assert await broker.publish(events) == [Delivery.TAKEN] * len(events)
            break
        except Unavailable:  # the frozen one wakes up; bounded by the test's own timeout
            continue
    async with Client(host.url) as client:
        seen: dict[str, int] = {}
        while await client.depth(STOPS):
            body = json.loads((await client.take(STOPS)).body)
            seen.setdefault(body["id"], int(body["sequence"]))
    assert list(seen.values()) == list(range(1, 401))
