"""Reading past events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shothik_payment.domain.ports.event_log import EventLog, RecordedEvent


@dataclass(slots=True)
class EventPage:
    """`next` None at the end; `last` is where to go on once more has happened."""

    events: list[RecordedEvent]
    next: str | None
    last: str


class EventFeed:
    def __init__(self, log: EventLog) -> None:
        self._log = log

    async def page(
        self, after: str, limit: int, user_id: str | None = None, types: Sequence[str] = ()
    ) -> EventPage:
        events = await self._log.read(after, limit + 1, user_id, types)
        page = events[:limit]
        last = page[-1].position if page else after
        return EventPage(page, last if len(events) > limit else None, last)
