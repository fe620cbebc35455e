"""Hearing events through the port."""

from __future__ import annotations

import asyncio

import aio_pika
import pytest

from shothik_payment.adapters.rabbitmq import (
    RabbitConnection,
    RabbitEventBroker,
    RabbitEventStream,
)
from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.ports.event_stream import QueueState, ReceivedEvent
from tests.support.published import event, stop
from tests.support.rabbit_client import Client

SERVICE = "paraphrase_service"


@pytest.fixture
def stream(connection: RabbitConnection) -> RabbitEventStream:
    return RabbitEventStream(connection)


async def test_the_queues_are_those_of_an_existing_service(
    stream: RabbitEventStream, client: Client
) -> None:
    kinds = ["stop_user", "resume_user", "control", "usage.limit_exceeded"]
    queues = await stream.declare(SERVICE, kinds)
    assert queues == [f"{SERVICE}.{kind}" for kind in kinds]
    for queue in queues:
        await client.assert_queue(queue)


async def test_a_control_queue_has_both_in_order(
    stream: RabbitEventStream, broker: RabbitEventBroker
) -> None:
    queues = await stream.declare(SERVICE, ["control"])
    resume = event(f"service.{SERVICE}.resume_user", 2)
    foreign = stop(9, "slide_service")
    await broker.publish([stop(1), resume, foreign, stop(3)])
    received = stream.received(queues)
    heard = [await anext(received) for _ in range(3)]
    await received.aclose()
    assert [e.sequence for e in heard] == [1, 2, 3]
    assert heard[0] == ReceivedEvent(
        queues[0],
        heard[0].id,
        "u1",
        1,
        "service.stop_user",
        "2027-01-15T08:00:00.123Z",
        stop(1).data,
        redelivered=False,
        delivery=heard[0].delivery,
    )


async def test_what_was_not_answered_comes_again(
    stream: RabbitEventStream, broker: RabbitEventBroker
) -> None:
    queues = await stream.declare(SERVICE, ["stop_user"])
    events = [stop(n) for n in range(1, 4)]
    await broker.publish(events)
    received = stream.received(queues)
    await stream.accept(await anext(received))
    unanswered = await anext(received)
    await received.aclose()
    with pytest.raises(Unavailable):
        await stream.accept(unanswered)
    received = stream.received(queues)
    again = [await anext(received) for _ in range(2)]
    assert [e.id for e in again] == [e.id for e in events[1:]]
    assert again[0].redelivered
    for each in again:
        await stream.accept(each)
    await received.aclose()
    assert (await stream.states(queues))[queues[0]].waiting == 0


async def test_what_is_rejected_comes_again_or_is_put_aside(
    stream: RabbitEventStream, broker: RabbitEventBroker, client: Client
) -> None:
    queues = await stream.declare(SERVICE, ["stop_user"])
    sent = stop()
    await broker.publish([sent])
    received = stream.received(queues)
    await stream.reject(await anext(received), again=True)
    second = await anext(received)
    assert second.redelivered
    await stream.reject(second)
    assert (await client.take("payment.events.dead")).message_id == sent.id
    await received.aclose()


async def test_what_is_no_event_is_put_aside(
    stream: RabbitEventStream, broker: RabbitEventBroker, client: Client
) -> None:
    queues = await stream.declare(SERVICE, ["stop_user"])
    await client.channel.default_exchange.publish(aio_pika.Message(b"hello"), queues[0])
    sent = stop()
    await broker.publish([sent])
    received = stream.received(queues)
    assert (await anext(received)).id == sent.id
    assert (await client.take("payment.events.dead")).body == b"hello"
    await received.aclose()


async def test_watching_takes_nothing_from_anybody(
    stream: RabbitEventStream, broker: RabbitEventBroker, client: Client
) -> None:
    queues = await stream.declare(SERVICE, ["stop_user"])
    watched = stream.watched()
    first = asyncio.create_task(anext(watched))
    deliveries = []
    sent = event("credit.added")
    while not first.done():  # an event that nobody wants shows that the watch has begun
        deliveries.append(await broker.publish([sent]))
    assert (await first).id == sent.id
    told = stop()
    await broker.publish([told])
    while (await anext(watched)).id != told.id:
        pass
    await watched.aclose()
    assert (await client.take(queues[0])).message_id == told.id


async def test_the_state_of_a_queue_is_what_waits_and_who_listens(
    stream: RabbitEventStream, broker: RabbitEventBroker
) -> None:
    stops, resumes = await stream.declare(SERVICE, ["stop_user", "resume_user"])
    await broker.publish([stop(n) for n in range(1, 4)])
    assert await stream.states(["none", stops, resumes, "neither"]) == {
        stops: QueueState(waiting=3, consumers=0),
        resumes: QueueState(waiting=0, consumers=0),
    }
    received = stream.received([stops])
    await anext(received)
    assert (await stream.states([stops]))[stops].consumers == 1
    await received.aclose()


async def test_a_queue_that_is_deleted_ends_the_stream(
    stream: RabbitEventStream, broker: RabbitEventBroker, client: Client
) -> None:
    with pytest.raises(Unavailable):
        await anext(stream.received(["none"]))
    queues = await stream.declare(SERVICE, ["stop_user"])
    await broker.publish([stop()])
    received = stream.received(queues)
    await anext(received)
    await client.channel.queue_delete(queues[0])
    with pytest.raises(Unavailable):
        await anext(received)
