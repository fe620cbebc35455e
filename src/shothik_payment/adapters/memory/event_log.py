from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.event_log import RecordedEvent


class MemoryEventLog:
    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def read(
        self, after: int, limit: int, user_id: str | None = None, types: Sequence[str] = ()
    ) -> list[RecordedEvent]:
        wanted = (
            replace(event)
            for event in islice(self._state.events, max(after, 0), None)
            if user_id in (None, event.user_id) and (not types or event.type in types)
        )
        return list(islice(wanted, limit))

    async def unpublished(self, limit: int) -> list[RecordedEvent]:
        # Positions were put in, and stay, in order.
        oldest = islice(self._state.unpublished, limit)
        return [replace(self._state.events[position - 1]) for position in oldest]

    async def mark_published(self, positions: Sequence[int], at: Millis) -> None:
        for position in positions:
            self._state.unpublished.pop(position, None)
