"""A consumer of the events, as a microservice would write one."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import aio_pika
from aio_pika.abc import AbstractIncomingMessage, AbstractRobustConnection

EXCHANGE = "payment.events"


class Consumer:
    """Takes all events that match `pattern` (None: whatever the queue is bound to anyway); `events`
    are as they arrived, repeats included. It connects again by itself after the broker was away.
    `arrived` is called with each event, before it is acknowledged."""

    def __init__(
        self,
        url: str,
        pattern: str | None = "#",
        queue: str = "all_events.test",
        arrived: Callable[[dict[str, Any]], None] = lambda event: None,
    ) -> None:
        self._url = url
        self._pattern = pattern
        self._queue = queue
        self._told = arrived
        self._arrived = asyncio.Event()
        self._connection: AbstractRobustConnection | None = None
        self.events: list[dict[str, Any]] = []
        self.messages: list[AbstractIncomingMessage] = []

    async def __aenter__(self) -> Consumer:
        self._connection = await aio_pika.connect_robust(self._url, reconnect_interval=0.2)
        channel = await self._connection.channel()
        await channel.set_qos(prefetch_count=500)
        exchange = await channel.declare_exchange(
            EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True
        )
        queue = await channel.declare_queue(self._queue, durable=True)
        if self._pattern is not None:
            await queue.bind(exchange, self._pattern)
        await queue.consume(self._take)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._connection is not None
        await self._connection.close()

    async def _take(self, message: AbstractIncomingMessage) -> None:
        self.events.append(json.loads(message.body))
        self.messages.append(message)
        self._told(self.events[-1])
        await message.ack()
        self._arrived.set()

    def first_deliveries(self) -> dict[str, list[int]]:
        """By user, the sequences in the order in which they came first."""
        seen: dict[str, list[int]] = defaultdict(list)
        ids = set()
        for event in self.events:
            if event["id"] not in ids:
                ids.add(event["id"])
                seen[event["subject"]].append(int(event["sequence"]))
        return seen

    def repeats(self) -> int:
        return len(self.events) - len(Counter(event["id"] for event in self.events))

    async def until(self, counts: dict[str, int], seconds: float = 60) -> None:
        """Wait for so many different events of these users, which have to come in order and without
        a gap."""
        async with asyncio.timeout(seconds):
            while True:
                seen = self.first_deliveries()
                if all(len(seen[user]) >= count for user, count in counts.items()):
                    break
                self._arrived.clear()
                await self._arrived.wait()
        for user, sequences in seen.items():
            assert sequences == list(range(1, len(sequences) + 1)), f"{user}: {sequences}"

    async def until_ids(self, ids: set[str], seconds: float = 60) -> None:
        async with asyncio.timeout(seconds):
            while not ids <= {event["id"] for event in self.events}:
                self._arrived.clear()
                await self._arrived.wait()

    async def until_count(self, count: int, seconds: float = 60) -> None:
        async with asyncio.timeout(seconds):
            while len(self.events) < count:
                self._arrived.clear()
                await self._arrived.wait()
