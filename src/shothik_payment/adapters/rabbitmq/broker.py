from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from shothik_payment.adapters.rabbitmq import confirms
from shothik_payment.adapters.rabbitmq.cloud_event import body_of, properties_of
from shothik_payment.adapters.rabbitmq.connection import RabbitConnection
from shothik_payment.adapters.rabbitmq.topology import (
    EXCHANGE,
    declare_queues,
    queue_of,
    routing_keys_of,
)
from shothik_payment.domain.ports.broker import Delivery
from shothik_payment.domain.ports.event_log import RecordedEvent

MAX_OUTSTANDING = 500
_PUBLISH_SECONDS = 5.0
_DECLARE_SECONDS = 10.0


class RabbitEventBroker:
    """Publishes on one channel, in the order of the calls."""

    def __init__(self, connection: RabbitConnection) -> None:
        self._connection = connection
        self._turn = asyncio.Lock()

    async def declare_control_queues(self, services: Sequence[str]) -> None:
        kinds = ("stop_user", "resume_user")
        queues = [(queue_of(s, kind), routing_keys_of(s, kind)) for s in services for kind in kinds]
        async with self._connection.use(_DECLARE_SECONDS) as link:
            await declare_queues(link.amqp, queues)

    async def publish(
        self, events: Sequence[RecordedEvent], queue: str | None = None
    ) -> list[Delivery]:
        deliveries: list[Delivery] = []
        for batch in _batches(events):
            messages = [_message(event, queue) for event in batch]
            async with self._turn, self._connection.use(_PUBLISH_SECONDS) as link:
                deliveries += await confirms.publish(link.confirming, messages)
        return deliveries


def _batches(events: Sequence[RecordedEvent]) -> Iterator[list[RecordedEvent]]:
    """No id twice in one: a returned message is known by its id."""
    batch: dict[str, RecordedEvent] = {}
    for event in events:
        if event.id in batch or len(batch) == MAX_OUTSTANDING:
            yield list(batch.values())
            batch.clear()
        batch[event.id] = event
    if batch:
        yield list(batch.values())


def _message(event: RecordedEvent, queue: str | None) -> confirms.Message:
    exchange, routing_key = (EXCHANGE, event.routing_key) if queue is None else ("", queue)
    return confirms.Message(exchange, routing_key, body_of(event), properties_of(event))
