from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from itertools import count

import msgspec
import structlog
from aiormq.abc import AbstractChannel, DeliveredMessage
from aiormq.exceptions import ChannelNotFoundEntity
from pamqp.commands import Basic

from shothik_payment.adapters.rabbitmq import cloud_event
from shothik_payment.adapters.rabbitmq.connection import RabbitConnection, answered
from shothik_payment.adapters.rabbitmq.topology import (
    EXCHANGE,
    declare_queues,
)
from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.ports.event_stream import QueueState, ReceivedEvent, Unreadable
from shothik_payment.domain.queues import queue_of, routing_keys_of

log = structlog.get_logger(__name__)

_UNANSWERED = 250
_MAX_WATCHED = 10_000
_SECONDS = 5.0


class RabbitEventStream:
    def __init__(self, connection: RabbitConnection) -> None:
        self._connection = connection
        self._deliveries = count(1)
        self._unanswered: dict[int, DeliveredMessage] = {}

    async def declare(self, service: str, kinds: Sequence[str]) -> list[str]:
        queues = {queue_of(service, kind): routing_keys_of(service, kind) for kind in kinds}
        async with self._connection.use(_SECONDS) as link:
            refused = await declare_queues(link.amqp, queues.items())
        for queue, reason in refused.items():
            raise Unavailable(f"The message broker does not give the queue {queue}. ({reason})")
        return list(queues)

    async def received(
        self, queues: Sequence[str], put_aside: Callable[[Unreadable], None] | None = None
    ) -> AsyncGenerator[ReceivedEvent, None]:
        async with self._connection.use(_SECONDS) as link:
            arrivals = _Arrivals(await link.amqp.channel(publisher_confirms=False))
            await arrivals.consume(queues)
        try:
            while True:
                queue, message = await arrivals.next()
                delivery = next(self._deliveries)
                event = _event(queue, message, delivery)
                if isinstance(event, Unreadable):
                    log.warning("not_an_event", queue=queue, routing_key=message.routing_key)
                    await _reject(message, again=False)
                    if put_aside is not None:
                        put_aside(event)
                else:
                    self._unanswered[delivery] = message
                    yield event
        finally:
            # Their tags mean something else on the next channel.
            self._unanswered.clear()
            await arrivals.end()

    async def watched(self) -> AsyncGenerator[ReceivedEvent, None]:
        async with self._connection.use(_SECONDS) as link:
            arrivals = _Arrivals(await link.amqp.channel(publisher_confirms=False))
            declared = await arrivals.channel.queue_declare(
                exclusive=True, auto_delete=True, arguments={"x-max-length": _MAX_WATCHED}
            )
            queue = declared.queue or ""
            await arrivals.channel.queue_bind(queue, EXCHANGE, "#")
            await arrivals.consume([queue])
        try:
            while True:
                queue, message = await arrivals.next()
                event = _event(queue, message, 0)
                if isinstance(event, ReceivedEvent):
                    yield event
                await _accept(message)
        finally:
            await arrivals.end()

    async def accept(self, event: ReceivedEvent) -> None:
        await _accept(self._answered(event))

    async def reject(self, event: ReceivedEvent, *, again: bool = False) -> None:
        await _reject(self._answered(event), again=again)

    def _answered(self, event: ReceivedEvent) -> DeliveredMessage:
        message = self._unanswered.pop(event.delivery, None)
        if message is None:
            raise Unavailable("The connection that the event came by was lost.")
        return message

    async def states(self, queues: Sequence[str]) -> dict[str, QueueState]:
        found: dict[str, QueueState] = {}
        async with self._connection.use(_SECONDS) as link:
            channel = await link.amqp.channel(publisher_confirms=False)
            for queue in queues:
                try:
                    declared = await channel.queue_declare(queue, passive=True)
                    found[queue] = QueueState(
                        declared.message_count or 0, declared.consumer_count or 0
                    )
                except ChannelNotFoundEntity:
                    channel = await link.amqp.channel(publisher_confirms=False)
            await channel.close()
        return found


class _Arrivals:
    """What the consumers of a channel are given, until its end."""

    def __init__(self, channel: AbstractChannel) -> None:
        self.channel = channel
        self._messages: asyncio.Queue[tuple[str, DeliveredMessage] | None] = asyncio.Queue()
        channel.on_consumer_cancel_callbacks.add(self._over)
        channel.closing.add_done_callback(self._over)

    async def consume(self, queues: Sequence[str]) -> None:
        await self.channel.basic_qos(prefetch_count=_UNANSWERED, global_=False)
        for queue in queues:
            await self._consume(queue)

    async def _consume(self, queue: str) -> None:
        async def arrived(message: DeliveredMessage) -> None:
            self._messages.put_nowait((queue, message))

        await self.channel.basic_consume(queue, arrived)

    def _over(self, _: asyncio.Future[None] | Basic.Cancel) -> None:
        self._messages.put_nowait(None)

    async def next(self) -> tuple[str, DeliveredMessage]:
        found = await self._messages.get()
        if found is None:
            raise Unavailable("The message broker went away, or one of the queues did.")
        return found

    async def end(self) -> None:
        with suppress(Unavailable):
            async with answered(_SECONDS):
                await self.channel.close()


async def _accept(message: DeliveredMessage) -> None:
    async with answered(_SECONDS):
        await message.channel.basic_ack(message.delivery_tag or 0, wait=False)


async def _reject(message: DeliveredMessage, *, again: bool) -> None:
    async with answered(_SECONDS):
        await message.channel.basic_reject(message.delivery_tag or 0, requeue=again, wait=False)


def _event(queue: str, message: DeliveredMessage, delivery: int) -> ReceivedEvent | Unreadable:
    try:
        event = cloud_event.decode(message.body)
        # As its consumers read it: they take fields out of it.
        if not isinstance(json.loads(bytes(event.data)), dict):
            return Unreadable(queue, message.body, "data is no object")
        return ReceivedEvent(
            queue,
            event.id,
            event.subject,
            int(event.sequence),
            event.type,
            event.time,
            bytes(event.data),
            bool(message.redelivered),
            delivery,
        )
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return Unreadable(queue, message.body, str(error))
