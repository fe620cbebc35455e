from __future__ import annotations

import asyncio
from collections.abc import Sequence

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
        for start in range(0, len(events), MAX_OUTSTANDING):
            some = [_message(e, queue) for e in events[start : start + MAX_OUTSTANDING]]
            async with self._turn, self._connection.use(_PUBLISH_SECONDS) as link:
                deliveries += await confirms.publish(link.confirming, some)
        return deliveries


def _message(event: RecordedEvent, queue: str | None) -> confirms.Message:
    exchange, routing_key = (EXCHANGE, event.routing_key) if queue is None else ("", queue)
    return confirms.Message(exchange, routing_key, body_of(event), properties_of(event))
