"""A process that publishes what waits in the outbox: `python -m bench.publishing WAY`.

`bare` has the bodies ready and publishes them with the library, each confirmed and mandatory, as
many outstanding as the relay has. `batch` hands the same events to the service's own publisher,
without an outbox around it. Both leave the events waiting. `relay` is the service's: it reads the
outbox, publishes and marks, until nothing waits. Each prints its figures as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence

import aiormq
import uvloop

from bench.spending import EVENTS
from shothik_payment.adapters.rabbitmq.broker import MAX_OUTSTANDING
from shothik_payment.adapters.rabbitmq.cloud_event import body_of, properties_of
from shothik_payment.adapters.rabbitmq.topology import EXCHANGE
from shothik_payment.domain.ports.event_log import PARTITIONS, RecordedEvent
from shothik_payment.entrypoints.container import Container, make_container
from shothik_payment.entrypoints.running import running
from shothik_payment.entrypoints.settings import Settings

QUEUE = "bench_service.events"
"""Has the shipped policy of the services' queues."""
_SETTLE_SECONDS = 10

Way = Callable[[], Awaitable[None]]


async def bare(container: Container, events: Sequence[RecordedEvent]) -> Way:
    connection = await aiormq.connect(_url(container))
    channel = await connection.channel(publisher_confirms=True, on_return_raises=False)
    if not isinstance(channel, aiormq.Channel):
        raise TypeError(type(channel))
    ready = [(body_of(event), event.routing_key, properties_of(event)) for event in events]

    async def publish() -> None:
        free = asyncio.Semaphore(MAX_OUTSTANDING)

        async def one(publishing: Awaitable[object]) -> None:
            try:
                await publishing
            finally:
                free.release()

        async with asyncio.TaskGroup() as outstanding:
            for body, routing_key, properties in ready:
                await free.acquire()
                publishing = channel.basic_publish(
                    body,
                    exchange=EXCHANGE,
                    routing_key=routing_key,
                    properties=properties,
                    mandatory=True,
                    wait=False,  # for the socket; the confirm is waited for
                )
                outstanding.create_task(one(publishing))

    return publish


async def batch(container: Container, events: Sequence[RecordedEvent]) -> Way:
    broker = container.messages().broker

    async def publish() -> None:
        await broker.publish(events)

    return publish


async def relay(container: Container, events: Sequence[RecordedEvent]) -> Way:
    worker = container.worker()

    async def publish() -> None:
        while await worker.relay.run(range(PARTITIONS)):
            pass

    return publish


WAYS = {"bare": bare, "batch": batch, "relay": relay}


async def measure(container: Container, name: str) -> dict[str, float]:
    async with running(container):
        log = container.store().events
        events = await log.unpublished(range(PARTITIONS), EVENTS + 1)
        if len(events) != EVENTS:
            raise SystemExit(f"{len(events)} events wait, not {EVENTS}")
        publish = await WAYS[name](container, events)
        connection = await aiormq.connect(_url(container))
        channel = await connection.channel()
        await channel.queue_declare(QUEUE, durable=True)
        await channel.queue_bind(QUEUE, EXCHANGE, "credit.#")
        await channel.queue_purge(QUEUE)
        started, cpu = time.perf_counter(), time.process_time()
        await publish()
        took, cpu = time.perf_counter() - started, time.process_time() - cpu
        await _arrived(channel)
        if name == "relay" and (await log.backlog()).events:
            raise SystemExit("events still wait")
        await connection.close()
    return {"per_second": EVENTS / took, "cpu_us": cpu / EVENTS * 1e6}


async def _arrived(channel: aiormq.abc.AbstractChannel) -> None:
    """Every one is in the queue, and none twice."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    count = None
    while time.monotonic() < deadline:
        count = (await channel.queue_declare(QUEUE, passive=True)).message_count
        if count == EVENTS:
            await channel.queue_purge(QUEUE)
            return
        await asyncio.sleep(0.1)
    raise SystemExit(f"{count} messages in the queue, not {EVENTS}")


def _url(container: Container) -> str:
    return container.settings().rabbitmq_url.get_secret_value()


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.publishing", description=__doc__)
    parser.add_argument("way", choices=list(WAYS))
    arguments = parser.parse_args()
    print(json.dumps(uvloop.run(measure(make_container(Settings()), arguments.way))))


if __name__ == "__main__":
    main()
