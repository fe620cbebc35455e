"""A relay on the memory store, with a broker that does what the test says."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from shothik_payment.adapters.memory.event_log import MemoryEventLog
from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.broker import Delivery
from shothik_payment.domain.ports.event_log import PARTITIONS, RecordedEvent
from shothik_payment.domain.use_cases.relay import Relay
from tests.support.service import TestService

ALL = range(PARTITIONS)


class ScriptedBroker:
    """`refuses` and `misses` hold users whose events are refused, and types or routing keys that
    nobody wants.
    `told` is what was taken, with user and sequence. `batches` are the sizes of what was asked
    together; after each, `meanwhile` is called."""

    def __init__(self) -> None:
        self.away = False
        self.refuses: set[str] = set()
        self.misses: set[str] = set()
        self.told: list[tuple[str, int]] = []
        self.asked: list[tuple[str, int]] = []
        self.batches: list[int] = []
        self.meanwhile = lambda: None

    async def declare_control_queues(self, services: Sequence[str]) -> list[str]:
        return []

    async def publish(
        self, events: Sequence[RecordedEvent], queue: str | None = None
    ) -> list[Delivery]:
        if self.away:
            raise Unavailable("The broker is away.")
        deliveries = [self._deliver(event) for event in events]
        self.batches.append(len(events))
        self.meanwhile()
        return deliveries

    def _deliver(self, event: RecordedEvent) -> Delivery:
        self.asked.append((event.user_id, event.sequence))
        if event.user_id in self.refuses:
            return Delivery.REFUSED
        if self.misses & {event.type, event.routing_key}:
            return Delivery.UNWANTED
        self.told.append((event.user_id, event.sequence))
        return Delivery.TAKEN


class HeldLog(MemoryEventLog):
    """Slow to mark."""

    def __init__(self, state: MemoryState) -> None:
        super().__init__(state)
        self.marking = asyncio.Event()
        self.goes_on = asyncio.Event()

    async def mark(
        self, published: Sequence[RecordedEvent], unwanted: Sequence[RecordedEvent], at: Millis
    ) -> None:
        self.marking.set()
        await self.goes_on.wait()
        await super().mark(published, unwanted, at)


class Bench:
    def __init__(self, service: TestService) -> None:
        self.service = service
        self.broker = ScriptedBroker()
        self.seconds = 100.0
        self.relay = Relay(service.log, self.broker, service.clock, lambda: self.seconds)

    async def give(self, *users: str) -> None:
        for user in users:
            await self.service.admin.adjust(user, 5, "test")

    async def give_often(self, times: int) -> None:
        """To ten users."""
        for start in range(0, times, 100):
            gifts = (self.give(f"u{n % 10}") for n in range(start, min(start + 100, times)))
            await asyncio.gather(*gifts)

    async def use_up(self, user: str) -> None:
        await self.service.spend.deduct(self.service.caller(), user, amount=5, units=None)

    def in_order_and_once(self) -> int:
        """How many were told."""
        seen: dict[str, int] = {}
        for user, sequence in self.broker.told:
            assert sequence == seen.get(user, 0) + 1
            seen[user] = sequence
        return len(self.broker.told)

    async def left(self) -> list[tuple[str, int]]:
        events = await self.service.log.unpublished(ALL, 10_000)
        return [(event.user_id, event.sequence) for event in events]
