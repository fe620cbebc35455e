"""A microservice that keeps a blocklist by the events, and by the list after a downtime."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from shothik_payment.adapters.rabbitmq import RabbitConnection, RabbitEventStream
from shothik_payment.domain.ports.event_stream import ReceivedEvent
from shothik_payment.entrypoints.cli.consumer import Consumer
from tests.e2e.service import Client
from tests.e2e.waiting import eventually

SERVICE = "paraphrase_service"
QUEUE = f"{SERVICE}.control"


class Microservice:
    """It hears its control queue, in order, and forgets everything when it ends."""

    def __init__(self, stream: RabbitEventStream) -> None:
        self._stream = stream
        self._keeps = Consumer(SERVICE)
        self.heard: list[ReceivedEvent] = []

    @property
    def blocked(self) -> set[str]:
        return set(self._keeps.blocked)

    @classmethod
    @asynccontextmanager
    async def listening(cls, url: str) -> AsyncIterator[Microservice]:
        connection = RabbitConnection(url)
        await connection.open()
        stream = RabbitEventStream(connection)
        made = cls(stream)
        hearing = asyncio.create_task(made._hear(await stream.declare(SERVICE, ["control"])))
        try:
            yield made
        finally:
            hearing.cancel()
            await asyncio.wait([hearing])
            await connection.close()

    async def _hear(self, queues: Sequence[str]) -> None:
        async for event in self._stream.received(queues):
            self._keeps.take(event)
            self.heard.append(event)
            await self._stream.accept(event)

    async def read(self, client: Client) -> None:
        """A line of the list is a stop as of the sequence that is told with it."""
        for user in await blocklist(client):
            name, sequence = user["userId"], int(user["sequence"])
            data = {"service": SERVICE, "reason": user["causes"][0]}
            line = f"{name} in the list at {sequence}"
            self._keeps.take(
                ReceivedEvent(
                    QUEUE,
                    line,
                    name,
                    sequence,
                    "service.stop_user",
                    user["since"],
                    json.dumps(data).encode(),
                    redelivered=False,
                    delivery=0,
                )
            )

    async def until(self, ids: set[str]) -> None:
        async def is_so() -> bool:
            return ids <= {event.id for event in self.heard}

        await eventually(is_so)


async def blocklist(client: Client) -> list[dict[str, Any]]:
    page = await client.get("/blocklist", limit=5000)
    assert page["next"] is None
    users: list[dict[str, Any]] = page["users"]
    return users
