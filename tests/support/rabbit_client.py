"""A microservice as it listens today: its own client library, knowing nothing of ours."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.event_log import START, RecordedEvent

EXCHANGE = "payment.events"


class Client:
    """Waits for nothing longer than `seconds`."""

    def __init__(self, url: str, seconds: float = 20) -> None:
        self._url = url
        self._seconds = seconds

    async def __aenter__(self) -> Self:
        self.connection = await aio_pika.connect(self._url)
        self.channel = await self.connection.channel()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.connection.close()

    async def assert_queue(self, name: str, **arguments: Any) -> None:
        """amqplib's `assertQueue(name, {durable: true})`, or with arguments."""
        await self.channel.declare_queue(name, durable=True, arguments=arguments or None)

    async def bind(self, queue: str, pattern: str) -> None:
        await (await self.channel.get_queue(queue)).bind(EXCHANGE, pattern)

    async def unbind(self, queue: str, pattern: str) -> None:
        await (await self.channel.get_queue(queue)).unbind(EXCHANGE, pattern)

    async def depth(self, queue: str) -> int:
        declared = await self.channel.declare_queue(queue, passive=True)
        return declared.declaration_result.message_count or 0

    async def next(self, queue: str) -> AbstractIncomingMessage:
        """The queue's next message, to be answered."""
        found = await self.channel.get_queue(queue)
        async with asyncio.timeout(self._seconds):
            while True:
                message = await found.get(fail=False)
                if message is not None:
                    return message
                await asyncio.sleep(0.02)

    async def take(self, queue: str) -> AbstractIncomingMessage:
        message = await self.next(queue)
        await message.ack()
        return message


def recorded(message: AbstractIncomingMessage) -> RecordedEvent:
    """The event that was published."""
    body = json.loads(message.body)
    return RecordedEvent(
        START,
        body["id"],
        body["subject"],
        int(body["sequence"]),
        body["type"],
        message.routing_key or "",
        str(message.headers["x-class"]),
        Millis(round(datetime.fromisoformat(body["time"]).timestamp() * 1000)),
        json.dumps(body["data"]).encode(),
    )
