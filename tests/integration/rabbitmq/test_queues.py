"""Queues: whoever declares them first, and what the shipped definitions make of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shothik_payment.adapters.rabbitmq import RabbitEventBroker
from shothik_payment.domain.ports.broker import Delivery
from tests.support.published import event, stop
from tests.support.rabbit_client import Client
from tests.support.servers.rabbitmq import DEFINITIONS, VirtualHost

STOPS, RESUMES = "paraphrase_service.stop_user", "paraphrase_service.resume_user"
DEAD = "payment.events.dead"
TAKEN = [Delivery.TAKEN]


async def test_a_client_may_declare_its_queue_before_us_and_after_us(
    broker: RabbitEventBroker, client: Client, virtual_host: VirtualHost
) -> None:
    await client.assert_queue(STOPS)
    await broker.declare_control_queues(["paraphrase_service"])
    await broker.declare_control_queues(["paraphrase_service"])
    await client.assert_queue(STOPS)
    await client.assert_queue(RESUMES)
    assert await broker.publish([stop()]) == TAKEN
    assert (await client.take(STOPS)).message_id is not None
    for queue in (STOPS, RESUMES):
        assert virtual_host.queue(queue)["type"] == "quorum"


@pytest.mark.parametrize(
    "arguments",
    [
        {"x-queue-type": "classic"},
        {"x-queue-type": "quorum", "x-max-length": 10},
        {"x-queue-type": "classic", "x-message-ttl": 600_000},
    ],
)
async def test_a_queue_that_exists_with_arguments_is_only_bound(
    broker: RabbitEventBroker, client: Client, arguments: dict[str, Any]
) -> None:
    await client.assert_queue(STOPS, **arguments)
    await broker.declare_control_queues(["paraphrase_service", "slide_service"])
    await client.assert_queue(STOPS, **arguments)
    assert await broker.publish([stop()]) == TAKEN
    assert (await client.take(STOPS)).routing_key == "service.paraphrase_service.stop_user"
    assert await broker.publish([stop(service="slide_service")]) == TAKEN


@pytest.mark.parametrize("arguments", [{}, {"x-queue-type": "classic"}])
async def test_what_a_consumer_rejects_is_kept_as_a_dead_letter(
    broker: RabbitEventBroker, client: Client, arguments: dict[str, Any]
) -> None:
    await client.assert_queue(STOPS, **arguments)
    await broker.declare_control_queues(["paraphrase_service"])
    sent = stop()
    await broker.publish([sent])
    await (await client.next(STOPS)).reject(requeue=False)
    dead = await client.take(DEAD)
    assert dead.message_id == sent.id
    assert dead.routing_key == sent.routing_key


async def test_a_poison_message_is_put_aside_and_the_others_flow(
    broker: RabbitEventBroker, client: Client
) -> None:
    await broker.declare_control_queues(["paraphrase_service"])
    poison, healthy = stop(1), stop(2)
    await broker.publish([poison, healthy])
    arrived: list[str | None] = []
    tries = 0
    while len(arrived) < 1:
        message = await client.next(STOPS)
        if message.message_id == poison.id:
            tries += 1
            assert tries <= 21
            await message.reject(requeue=True)
        else:
            arrived.append(message.message_id)
            await message.ack()
    while await client.depth(STOPS):
        await (await client.next(STOPS)).reject(requeue=True)
    assert arrived == [healthy.id]
    dead = await client.take(DEAD)
    assert dead.message_id == poison.id
    assert json.loads(dead.body)["sequence"].endswith("1")


@pytest.mark.parametrize("service", ["paraphrase_service", "slides"])
@pytest.mark.parametrize("arguments", [{}, {"x-queue-type": "classic"}])
async def test_a_queue_that_nobody_reads_loses_its_oldest(
    broker: RabbitEventBroker,
    client: Client,
    virtual_host: VirtualHost,
    arguments: dict[str, Any],
    service: str,
) -> None:
    queue = f"{service}.stop_user"
    shipped = json.loads(DEFINITIONS.read_text())["policies"]
    for policy in shipped:
        bounded = {**policy["definition"], "max-length": 2}
        virtual_host.set_policy(**{**policy, "definition": bounded})
    await client.assert_queue(queue, **arguments)
    await broker.declare_control_queues([service])
    events = [stop(n, service) for n in range(1, 5)]
    assert await broker.publish(events) == TAKEN * 4
    assert [(await client.take(DEAD)).message_id for _ in range(2)] == [e.id for e in events[:2]]
    assert [(await client.take(queue)).message_id for _ in range(2)] == [e.id for e in events[2:]]


async def test_both_exchanges_come_with_the_definitions_and_ours_without_them(
    broker: RabbitEventBroker, client: Client, virtual_host: VirtualHost
) -> None:
    for name in ("payment.events", "payment.events.dlx"):
        exchange = virtual_host.exchange(name)
        assert (exchange["type"], exchange["durable"]) == ("topic", True)
    await client.channel.exchange_delete("payment.events")
    await broker.declare_control_queues(["paraphrase_service"])
    assert await broker.publish([stop(), event("credit.added")]) == [*TAKEN, Delivery.UNWANTED]


def test_the_definitions_hold_no_user_and_no_password() -> None:
    text = DEFINITIONS.read_text()
    assert "users" not in json.loads(text)
    assert "password" not in text
