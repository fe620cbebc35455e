"""A queue that the broker will not give holds up no other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from shothik_payment.adapters.memory.documents import MemoryDocuments
from shothik_payment.adapters.memory.key_usage import MemoryKeyUsage
from shothik_payment.adapters.memory.pruning import MemoryPruning
from shothik_payment.adapters.memory.web_sessions import MemoryWebSessions
from shothik_payment.adapters.memory.webhook_inbox import MemoryWebhookInbox
from shothik_payment.adapters.rabbitmq import (
    RabbitConnection,
    RabbitEventBroker,
    RabbitEventStream,
)
from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.ports.broker import Delivery
from shothik_payment.domain.use_cases.key_warnings import KeyWarnings
from shothik_payment.domain.use_cases.prune import Prune
from shothik_payment.domain.use_cases.relay import Relay
from shothik_payment.domain.use_cases.work_group import WorkGroup
from shothik_payment.entrypoints.background import Chore
from shothik_payment.entrypoints.chores import SHARED_TASKS, Worker, shared_work
from tests.support.published import stop
from tests.support.rabbit_client import Client
from tests.support.servers.rabbitmq import VirtualHost
from tests.support.service import TestService, running_service

PARAPHRASE, SLIDE = "paraphrase_service", "slide_service"
STOPS = f"{PARAPHRASE}.stop_user"


@pytest.fixture
async def holder(virtual_host: VirtualHost) -> AsyncIterator[Client]:
    """Has the queue of stops for itself, as long as its connection lasts."""
    async with Client(virtual_host.url) as holder:
        await holder.channel.declare_queue(STOPS, exclusive=True)
        yield holder


@pytest.fixture
async def service() -> AsyncIterator[TestService]:
    async with running_service() as service:
        for slug in ("paraphrase", "slide"):
            await service.keys.generate(slug, actor="test")
        await service.active.refresh()
        yield service


async def _chores(service: TestService, broker: RabbitEventBroker) -> dict[str, Chore]:
    worker = Worker(
        group=WorkGroup(MemoryDocuments(service.state, "work"), "me", SHARED_TASKS, time.monotonic),
        relay=Relay(service.log, broker, service.clock, time.monotonic),
        broker=broker,
        active=service.active,
        sweep=service.sweep,
        stop_sweep=service.stop_sweep,
        payment_checks=service.payment_checks,
        webhooks=service.webhooks,
        prune=Prune(
            MemoryPruning(service.state),
            MemoryWebhookInbox(service.state),
            MemoryWebSessions(service.state),
            MemoryKeyUsage(service.state),
            service.clock,
        ),
        key_warnings=KeyWarnings(service.api_keys, service.clock),
        committed=asyncio.Event(),
        watch=None,
    )
    await worker.group.beat()
    return {chore.name: chore for chore in shared_work(worker)}


def _said(logs: list[Any]) -> list[tuple[str, str, str]]:
    return [(entry["log_level"], entry["event"], entry["queue"]) for entry in logs]


async def test_the_others_are_declared_and_who_is_not_ready_is_told(
    broker: RabbitEventBroker, client: Client, holder: Client
) -> None:
    with capture_logs() as logs:
        assert await broker.declare_control_queues([PARAPHRASE, SLIDE]) == [PARAPHRASE]
        assert await broker.declare_control_queues([PARAPHRASE]) == [PARAPHRASE]
        assert await broker.declare_control_queues([SLIDE]) == []
        assert _said(logs) == [("warning", "queue_not_ready", STOPS)]
        assert "RESOURCE_LOCKED" in logs[0]["reason"]
        await holder.connection.close()
        assert await broker.declare_control_queues([PARAPHRASE, SLIDE]) == []
        assert await broker.declare_control_queues([PARAPHRASE, SLIDE]) == []
        assert _said(logs)[1:] == [("info", "queue_ready", STOPS)]
    assert await broker.publish([stop()]) == [Delivery.TAKEN]


async def test_the_connection_and_what_is_published_on_it_stay(
    connection: RabbitConnection, broker: RabbitEventBroker, holder: Client
) -> None:
    async with connection.use(5) as link:
        await broker.declare_control_queues([PARAPHRASE, SLIDE])
    assert await broker.publish([stop(service=SLIDE), stop()]) == [
        Delivery.TAKEN,
        Delivery.UNWANTED,
    ]
    async with connection.use(5) as same:
        assert same is link


async def test_a_binding_that_is_refused_is_told_as_well(
    broker: RabbitEventBroker, client: Client
) -> None:
    await broker.declare_control_queues([])
    await client.channel.exchange_delete("payment.events")
    assert await broker.declare_control_queues([PARAPHRASE, SLIDE]) == [PARAPHRASE, SLIDE]
    with pytest.raises(Unavailable, match="no exchange"):
        await broker.publish([stop()])
    assert await broker.declare_control_queues([PARAPHRASE, SLIDE]) == []


async def test_a_consumer_is_told_which_queue_it_cannot_have(
    connection: RabbitConnection, holder: Client
) -> None:
    with pytest.raises(Unavailable, match=f"queue {STOPS}.*RESOURCE_LOCKED"):
        await RabbitEventStream(connection).declare(PARAPHRASE, ["resume_user", "stop_user"])


async def test_events_go_on_and_the_queue_is_there_once_it_is_given_back(
    service: TestService, broker: RabbitEventBroker, client: Client, holder: Client
) -> None:
    chores = await _chores(service, broker)
    relay, again = chores["relay"].step, chores["unwanted events"].step
    await service.admin.adjust("u1", 5, "test")
    await service.spend.deduct(service.caller(), "u1", amount=5, units=None)
    with capture_logs() as logs:
        for _ in range(3):
            await relay()
            await again()
    assert _said(logs) == [("warning", "queue_not_ready", STOPS)]
    backlog = await service.log.backlog()
    assert (backlog.events, backlog.unwanted) == (0, 1)
    told = await client.take(f"{SLIDE}.stop_user")
    assert told.type == "service.stop_user"
    await holder.connection.close()
    await again()
    assert (await client.take(STOPS)).type == "service.stop_user"
    assert (await service.log.backlog()).unwanted == 0


async def test_it_is_tried_again_though_there_is_nothing_to_tell(
    service: TestService, broker: RabbitEventBroker, client: Client, holder: Client
) -> None:
    chores = await _chores(service, broker)
    await chores["relay"].step()
    await holder.connection.close()
    await chores["relay"].step()
    await chores["unwanted events"].step()
    assert await client.depth(STOPS) == 0


async def test_a_queue_that_was_taken_away_is_put_back_though_another_takes_everything(
    service: TestService, broker: RabbitEventBroker, client: Client
) -> None:
    chores = await _chores(service, broker)
    await chores["relay"].step()
    everything = await client.channel.declare_queue(exclusive=True)
    await everything.bind("payment.events", "#")
    await client.channel.queue_delete(STOPS)
    await chores["unwanted events"].step()
    await service.admin.adjust("u1", 5, "test")
    await service.spend.deduct(service.caller(), "u1", amount=5, units=None)
    await chores["relay"].step()
    assert (await client.take(STOPS)).type == "service.stop_user"
