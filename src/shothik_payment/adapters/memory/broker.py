from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from shothik_payment.domain.ports.broker import Delivery
from shothik_payment.domain.ports.event_log import RecordedEvent

MAX_QUEUED = 1_000
_CACHED_ROUTES = 1_000


class MemoryQueue:
    """Keeps the newest events: where it is full, the oldest goes."""

    def __init__(self, max_events: int) -> None:
        self._events: deque[RecordedEvent] = deque(maxlen=max_events)
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._events)

    def put(self, event: RecordedEvent) -> None:
        self._events.append(event)
        self._filled.set()

    async def get(self) -> RecordedEvent:
        """Wait for the next event and take it."""
        while not self._events:
            self._filled.clear()
            await self._filled.wait()
        return self._events.popleft()


class MemoryBroker:
    """A topic exchange: a queue gets each event whose routing key one of its patterns matches.

    In a pattern `*` is one word, `#` any number of words, none included.
    """

    def __init__(self, max_queued: int = MAX_QUEUED) -> None:
        self._max_queued = max_queued
        self._queues: dict[str, MemoryQueue] = {}
        self._bindings: dict[tuple[str, str], re.Pattern[str]] = {}
        self._routes: dict[str, tuple[MemoryQueue, ...]] = {}

    def bind(self, queue: str, pattern: str) -> MemoryQueue:
        """The queue of that name, made where it is missing, bound by one more pattern."""
        bound = self._queues.get(queue)
        if bound is None:
            bound = self._queues[queue] = MemoryQueue(self._max_queued)
        self._bindings[queue, pattern] = _compiled(pattern)
        self._routes.clear()
        return bound

    def unbind(self, queue: str) -> None:
        """Take the queue away, with what is in it."""
        self._queues.pop(queue, None)
        self._bindings = {b: p for b, p in self._bindings.items() if b[0] != queue}
        self._routes.clear()

    async def declare_control_queues(self, services: Sequence[str]) -> list[str]:
        for service in services:
            for event in ("stop_user", "resume_user"):
                self.bind(f"{service}.{event}", f"service.{service}.{event}")
        return []

    async def publish(
        self, events: Sequence[RecordedEvent], queue: str | None = None
    ) -> list[Delivery]:
        if queue is not None:
            only = self._queues.get(queue)
            return [_put(event, () if only is None else (only,)) for event in events]
        if not self._bindings:
            return [Delivery.UNWANTED] * len(events)
        return [_put(event, self._route(event.routing_key)) for event in events]

    def _route(self, routing_key: str) -> tuple[MemoryQueue, ...]:
        queues = self._routes.get(routing_key)
        if queues is None:
            names = {q for (q, _), p in self._bindings.items() if p.fullmatch(f".{routing_key}")}
            queues = tuple(self._queues[name] for name in sorted(names))
            if len(self._routes) >= _CACHED_ROUTES:
                self._routes.clear()
            self._routes[routing_key] = queues
        return queues


def _put(event: RecordedEvent, queues: Sequence[MemoryQueue]) -> Delivery:
    for queue in queues:
        queue.put(replace(event))
    return Delivery.TAKEN if queues else Delivery.UNWANTED


def _compiled(pattern: str) -> re.Pattern[str]:
    """Matches a routing key with a dot put before it, so that every word looks the same."""
    special = {"*": r"\.[^.]*", "#": r"(?:\.[^.]*)*"}
    words = (special.get(word, rf"\.{re.escape(word)}") for word in pattern.split("."))
    return re.compile("".join(words))
