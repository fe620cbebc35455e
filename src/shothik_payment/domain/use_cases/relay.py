"""The relay: publishes what the outbox holds, in order, and marks it. Killed at any point it
publishes some events again and loses none."""

from __future__ import annotations

from shothik_payment.domain.ports.broker import Broker
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.event_log import EventLog

RELAY_BATCH = 500


class Relay:
    def __init__(self, log: EventLog, broker: Broker, clock: Clock) -> None:
        self._log = log
        self._broker = broker
        self._clock = clock

    async def run(self) -> int:
        """Publish one batch; how many events. Less than `RELAY_BATCH`: the outbox is empty."""
        events = await self._log.unpublished(RELAY_BATCH)
        if events:
            await self._broker.publish(events)
            await self._log.mark_published([e.position for e in events], self._clock.now())
        return len(events)
