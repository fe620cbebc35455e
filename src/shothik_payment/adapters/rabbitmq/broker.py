from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence

import structlog

from shothik_payment.adapters.rabbitmq import confirms
from shothik_payment.adapters.rabbitmq.cloud_event import body_of, properties_of
from shothik_payment.adapters.rabbitmq.connection import RabbitConnection
from shothik_payment.adapters.rabbitmq.topology import (
    EXCHANGE,
    declare_queues,
)
from shothik_payment.domain.ports.broker import Delivery
from shothik_payment.domain.ports.event_log import RecordedEvent
from shothik_payment.domain.queues import queue_of, routing_keys_of

log = structlog.get_logger(__name__)

MAX_OUTSTANDING = 500
_PUBLISH_SECONDS = 30.0
_DECLARE_SECONDS = 10.0


class RabbitEventBroker:
    """Publishes on one channel, in the order of the calls."""

    def __init__(self, connection: RabbitConnection) -> None:
        self._connection = connection
        self._turn = asyncio.Lock()
        self._refused: dict[str, str] = {}

    async def declare_control_queues(self, services: Sequence[str]) -> list[str]:
        queues = {
            queue_of(service, kind): (service, routing_keys_of(service, kind))
            for service in services
            for kind in ("stop_user", "resume_user")
        }
        async with self._connection.use(_DECLARE_SECONDS) as link:
            refused = await declare_queues(
                link.amqp, [(q, keys) for q, (_, keys) in queues.items()]
            )
        self._tell_changes(queues, refused)
        return list(dict.fromkeys(queues[queue][0] for queue in refused))

    async def publish(
        self, events: Sequence[RecordedEvent], queue: str | None = None
    ) -> list[Delivery]:
        deliveries: list[Delivery] = []
        for batch in _batches(events):
            messages = [_message(event, queue) for event in batch]
            async with self._turn, self._connection.use(_PUBLISH_SECONDS) as link:
                deliveries += await confirms.publish(link.confirming, messages)
        return deliveries

    def _tell_changes(self, queues: Iterable[str], refused: Mapping[str, str]) -> None:
        for queue in queues:
            before, reason = self._refused.pop(queue, None), refused.get(queue)
            if reason is not None:
                self._refused[queue] = reason
                if reason != before:
                    log.warning("queue_not_ready", queue=queue, reason=reason)
            elif before is not None:
                log.info("queue_ready", queue=queue)


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
