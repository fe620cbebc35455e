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


async def test_a_stopped_broker_is_told_in_time_and_found_again(
    own_rabbitmq: RabbitServer, host: VirtualHost, connection: RabbitConnection
) -> None:
    broker, health = RabbitEventBroker(connection), RabbitHealth(connection)
    await broker.declare_control_queues(["paraphrase_service"])
    before, after = stop(1), stop(2)
    assert await broker.publish([before]) == [Delivery.TAKEN]
    await health.ping()
    await asyncio.to_thread(own_rabbitmq.stop)
    late = RabbitConnection(host.url)
    await late.open()
    for _ in range(2):
        started = time.monotonic()
        with pytest.raises(Unavailable, match="broker"):
            await broker.publish([after])
        with pytest.raises(Unavailable, match="broker"):
            await health.ping()
        with pytest.raises(Unavailable, match="broker"):
            await broker.declare_control_queues(["paraphrase_service"])
        assert time.monotonic() - started < BOUND_SECONDS
    await asyncio.to_thread(own_rabbitmq.restart)
    assert await broker.publish([after]) == [Delivery.TAKEN]
    await health.ping()
    await RabbitHealth(late).ping()
    await late.close()
    async with Client(host.url) as client:
        assert [(await client.take(STOPS)).message_id for _ in range(2)] == [before.id, after.id]


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


async def test_a_killed_broker_loses_nothing_that_it_took(
    own_rabbitmq: RabbitServer, host: VirtualHost, connection: RabbitConnection
) -> None:
    broker, stream = RabbitEventBroker(connection), RabbitEventStream(connection)
    queues = await stream.declare("paraphrase_service", ["stop_user"])
    events = [stop(n) for n in range(1, 6)]
    assert await broker.publish(events) == [Delivery.TAKEN] * 5
    received = stream.received(queues)
    first = await anext(received)
    await stream.accept(first)
    unanswered = await anext(received)
    await asyncio.to_thread(own_rabbitmq.kill)
    with pytest.raises(Unavailable):
        await _heard(received, 5)
    with pytest.raises(Unavailable):
        await stream.accept(unanswered)
    with pytest.raises(Unavailable):
        await anext(stream.received(queues))
    await asyncio.to_thread(own_rabbitmq.restart)
    heard = await _heard_at_last(stream, queues)
    if heard[0].id == first.id:  # its answer got lost
        del heard[0]
    assert [e.id for e in heard] == [e.id for e in events[1:]]


async def _heard(received: AsyncGenerator[ReceivedEvent, None], count: int) -> list[ReceivedEvent]:
    return [await anext(received) for _ in range(count)]


async def _heard_at_last(stream: RabbitEventStream, queues: list[str]) -> list[ReceivedEvent]:
    """Until the queues are empty. A queue that was killed takes its time to answer again."""
    heard: list[ReceivedEvent] = []
    while True:
        try:
            received = stream.received(queues)
            while len(heard) < 4 or (await stream.states(queues))[queues[0]].waiting:
                heard.append(await anext(received))
            await received.aclose()
        except Unavailable:
            heard.clear()
        else:
            return heard
