"""The relay: publishes what the outbox holds and marks it.

A user's first deliveries are in order. Killed at any point it publishes some events again and
loses none. What a queue refuses is sent again, with all that follows it for that user, after
growing pauses, while the others flow; what no queue wants counts as published, except for what
services have to know: that is told again until somebody takes it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.ports.broker import Broker, Delivery
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.event_log import START, EventLog, RecordedEvent, partition_of

RELAY_BATCH = 500
_MUST_ARRIVE = "service."
_MAX_REFUSED_USERS = 1_000
_FIRST_PAUSE_SECONDS = 0.2
_MAX_PAUSE_SECONDS = 30.0


@dataclass(slots=True)
class _Pause:
    """A user whose next event was refused."""

    seconds: float
    until: float


class Relay:
    """Publishes for whichever partitions it is told; `monotonic` gives seconds."""

    def __init__(
        self, log: EventLog, broker: Broker, clock: Clock, monotonic: Callable[[], float]
    ) -> None:
        self._log = log
        self._broker = broker
        self._clock = clock
        self._monotonic = monotonic
        self._refused: dict[str, _Pause] = {}
        self._told_through = START
        self._missed: set[str] = set()

    async def run(self, partitions: Collection[int]) -> bool:
        """Publish one batch; whether more waits. Raises Unavailable when the broker is away, or
        refuses so many users' events that it must be ill."""
        if len(self._refused) >= _MAX_REFUSED_USERS:
            self._refused.clear()
            raise Unavailable(f"Queues refuse the events of {_MAX_REFUSED_USERS} users.")
        await self._try_refused(partitions)
        events = await self._log.unpublished(partitions, RELAY_BATCH, list(self._refused))
        if events:
            await self._publish(events)
        return len(events) == RELAY_BATCH

    async def tell_unwanted(self, partitions: Collection[int]) -> int:
        """Try again some of what no queue wanted; how many events found a queue.

        Each call goes on behind the last one's events, so what never finds a queue holds up
        nothing else. What was missed under a routing key is not tried again before the next time
        round: its queue may be there by now, and would have the later events first.
        """
        page = await self._log.unwanted(partitions, RELAY_BATCH, self._told_through)
        if not page and self._told_through != START:
            self._tell_from_the_start()
            page = await self._log.unwanted(partitions, RELAY_BATCH)
        if not page:
            return 0
        events = [event for event in page if event.routing_key not in self._missed]
        taken = []
        if events:
            told = list(zip(events, await self._broker.publish(events), strict=True))
            taken = [event for event, delivery in told if delivery is Delivery.TAKEN]
            await self._log.mark(taken, (), self._clock.now())
            self._missed |= {e.routing_key for e, d in told if d is not Delivery.TAKEN}
        self._told_through = page[-1].position
        if len(page) < RELAY_BATCH:
            self._tell_from_the_start()
        return len(taken)

    def _tell_from_the_start(self) -> None:
        self._told_through = START
        self._missed.clear()

    async def _try_refused(self, partitions: Collection[int]) -> None:
        """The next event of each user whose pause is over: whether it is taken by now."""
        now = self._monotonic()
        first = []
        for user in [u for u, pause in self._refused.items() if pause.until <= now]:
            events = await self._log.unpublished_of(user, 1)
            if events and partition_of(user) in partitions:
                first += events
            else:
                del self._refused[user]  # another relay's, now or before
        if first:
            await self._publish(first)

    async def _publish(self, events: list[RecordedEvent]) -> None:
        deliveries = await self._broker.publish(events)
        published, unwanted = [], []
        refused: set[str] = set()
        for event, delivery in zip(events, deliveries, strict=True):
            if event.user_id in refused:
                continue  # sent again from the first refused one on
            if delivery is Delivery.REFUSED:
                refused.add(event.user_id)
            elif delivery is Delivery.UNWANTED and event.type.startswith(_MUST_ARRIVE):
                unwanted.append(event)
            else:
                published.append(event)
        await self._log.mark(published, unwanted, self._clock.now())
        self._pause(refused, {event.user_id for event in events})

    def _pause(self, refused: Iterable[str], tried: Iterable[str]) -> None:
        before = {user: self._refused.pop(user, None) for user in tried}
        for user in refused:
            last = before[user]
            seconds = _FIRST_PAUSE_SECONDS if last is None else last.seconds * 2
            seconds = min(seconds, _MAX_PAUSE_SECONDS)
            self._refused[user] = _Pause(seconds, self._monotonic() + seconds)
