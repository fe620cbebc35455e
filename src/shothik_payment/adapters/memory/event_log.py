from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from itertools import islice

from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.domain.errors import InvalidRequest
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.event_log import (
    PARTITIONS,
    START,
    Backlog,
    RecordedEvent,
    partition_of,
)

_MAX_DIGITS = 18


def _number(position: str, field: str = "after") -> int:
    if position == START:
        return 0
    if not (position.isascii() and position.isdigit()) or len(position) > _MAX_DIGITS:
        raise InvalidRequest.of(field, "a position that this log has given")
    return int(position)


def _among(
    events: dict[str, RecordedEvent],
    partitions: Collection[int],
    limit: int,
    without: Collection[str] = (),
) -> list[RecordedEvent]:
    everywhere = len(set(partitions)) == PARTITIONS
    found: Iterable[RecordedEvent] = (
        replace(event)
        for event in events.values()
        if event.user_id not in without
        and (everywhere or partition_of(event.user_id) in partitions)
    )
    return list(islice(found, limit))


class MemoryEventLog:
    """Positions count the events."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def read(
        self,
        after: str,
        limit: int,
        user_id: str | None = None,
        types: Sequence[str] = (),
        since: Millis | None = None,
        until: Millis | None = None,
        *,
        published: bool = False,
    ) -> list[RecordedEvent]:
        events = self._state.events
        first = bisect_right(events, _number(after), key=lambda event: int(event.position))
        wanted = (
            replace(event)
            for event in islice(events, first, None)
            if user_id in (None, event.user_id)
            and (not types or event.type in types)
            and (since is None or event.at >= since)
            and (until is None or event.at < until)
            and (not published or self._is_published(event.position))
        )
        return list(islice(wanted, limit))

    async def latest(
        self,
        limit: int,
        user_id: str | None = None,
        types: Sequence[str] = (),
        before: str = START,
    ) -> list[RecordedEvent]:
        events, end = self._state.events, _number(before, "before")
        if before != START:
            events = events[: bisect_left(events, end, key=lambda event: int(event.position))]
        wanted = (
            replace(event)
            for event in reversed(events)
            if user_id in (None, event.user_id) and (not types or event.type in types)
        )
        return list(islice(wanted, limit))

    def _is_published(self, position: str) -> bool:
        return position not in self._state.unpublished and position not in self._state.unwanted

    async def unpublished(
        self, partitions: Collection[int], limit: int, without: Collection[str] = ()
    ) -> list[RecordedEvent]:
        return _among(self._state.unpublished, partitions, limit, frozenset(without))

    async def unpublished_of(self, user_id: str, limit: int) -> list[RecordedEvent]:
        own = (replace(e) for e in self._state.unpublished.values() if e.user_id == user_id)
        return list(islice(own, limit))

    async def unwanted(
        self, partitions: Collection[int], limit: int, after: str = START
    ) -> list[RecordedEvent]:
        first = _number(after)
        behind = {p: event for p, event in self._state.unwanted.items() if int(p) > first}
        return _among(behind, partitions, limit)

    async def mark(
        self, published: Sequence[RecordedEvent], unwanted: Sequence[RecordedEvent], at: Millis
    ) -> None:
        state = self._state
        for event in published:
            state.unpublished.pop(event.position, None)
            state.unwanted.pop(event.position, None)
        moved = [state.unpublished.pop(event.position, None) for event in unwanted]
        if any(moved):
            state.unwanted.update((event.position, event) for event in moved if event is not None)
            in_order = sorted(state.unwanted.items(), key=lambda entry: int(entry[0]))
            state.unwanted = dict(in_order)

    async def backlog(self) -> Backlog:
        state = self._state
        oldest = next(iter(state.unpublished.values()), None)
        return Backlog(
            len(state.unpublished), None if oldest is None else oldest.at, len(state.unwanted)
        )
