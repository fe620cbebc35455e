"""The relay: publishes what the outbox holds and marks it.

A user's first deliveries are in order. Killed at any point it publishes some events again and
loses none. What a queue refuses is sent again, with all that follows it for that user, after
growing pauses, while the others flow; what no queue wants counts as published, except for what
services have to know: that is told again until somebody takes it.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.ports.broker import Broker, Delivery
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.event_log import START, EventLog, RecordedEvent, partition_of

log = logging.getLogger(__name__)

RELAY_BATCH = 500
"""Published together, then marked together."""
RELAY_PAGE = 4 * RELAY_BATCH
"""Read together: finding the oldest costs a store much the same for few and for many."""
_RUN_SECONDS = 0.5
"""After that no further batch is begun: what is at work can not be given to another process."""
_MUST_ARRIVE = "service."
_MAX_REFUSED_USERS = 1_000
_QUIET_SECONDS = 60.0
"""After a warning that a queue refuses events."""
_REFUSES = (
    "a queue refuses events: those of %s from %d on wait (%s), and perhaps others'; all else flows"
)
_FIRST_PAUSE_SECONDS = 0.2
_MAX_PAUSE_SECONDS = 30.0


@dataclass(slots=True)
class _Pause:
    """A user whose next event was refused."""

    seconds: float
    until: float


@dataclass(frozen=True, slots=True)
class _Told:
    """`unwanted` by any queue, and to be told again; all others count as published."""

    published: list[RecordedEvent]
    unwanted: list[RecordedEvent]


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
        self._quiet_until = -math.inf

    async def run(self, partitions: Collection[int]) -> bool:
        """Publish what waits, for half a second and one batch at most; whether more waits. All of
        it has ended on return. Raises Unavailable when the broker is away, or refuses so many
        users' events that it must be ill."""
        if len(self._refused) >= _MAX_REFUSED_USERS:
            self._refused.clear()
            raise Unavailable(f"Queues refuse the events of {_MAX_REFUSED_USERS} users.")
        ends = self._monotonic() + _RUN_SECONDS
        await self._try_refused(partitions)
        page = await self._log.unpublished(partitions, RELAY_PAGE, list(self._refused))
        left = await self._publish(page, ends)
        return left or len(page) == RELAY_PAGE

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
            await self._mark(await self._tell(first))

    async def _publish(self, page: Sequence[RecordedEvent], ends: float) -> bool:
        """Batch by batch, each marked while the next is published; whether any is left."""
        marking: asyncio.Task[None] | None = None
        try:
            for start in range(0, len(page), RELAY_BATCH):
                if marking is not None and self._monotonic() >= ends:
                    return True
                # Who was refused in the batch before is sent again from there on.
                batch = page[start : start + RELAY_BATCH]
                told = await self._tell([e for e in batch if e.user_id not in self._refused])
                if marking is not None:
                    await marking
                marking = asyncio.create_task(self._mark(told))
        finally:
            # Also of what was published before the broker went away.
            if marking is not None:
                await marking
        return False

    async def _tell(self, events: list[RecordedEvent]) -> _Told:
        deliveries = await self._broker.publish(events)
        told = _Told([], [])
        refused: set[str] = set()
        for event, delivery in zip(events, deliveries, strict=True):
            if event.user_id in refused:
                continue  # sent again from the first refused one on
            if delivery is Delivery.REFUSED:
                self._warn_of(event)
                refused.add(event.user_id)
            elif delivery is Delivery.UNWANTED and event.type.startswith(_MUST_ARRIVE):
                told.unwanted.append(event)
            else:
                told.published.append(event)
        self._pause(refused, {event.user_id for event in events})
        return told

    def _warn_of(self, event: RecordedEvent) -> None:
        now = self._monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + _QUIET_SECONDS
            log.warning(_REFUSES, event.user_id, event.sequence, event.routing_key)

    async def _mark(self, told: _Told) -> None:
        await self._log.mark(told.published, told.unwanted, self._clock.now())

    def _pause(self, refused: Iterable[str], tried: Iterable[str]) -> None:
        before = {user: self._refused.pop(user, None) for user in tried}
        for user in refused:
            last = before[user]
            seconds = _FIRST_PAUSE_SECONDS if last is None else last.seconds * 2
            seconds = min(seconds, _MAX_PAUSE_SECONDS)
            self._refused[user] = _Pause(seconds, self._monotonic() + seconds)
