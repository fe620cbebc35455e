"""The outbox: events as they were committed, to be published and read again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from shothik_payment.domain.model.time import Millis


@dataclass(slots=True)
class RecordedEvent:
    """An event as it goes on the wire. `data` is the JSON text of its data.

    `position` orders the log of this store; one user's events are in the order of `sequence`.
    """

    position: int
    id: str
    user_id: str
    sequence: int
    type: str
    routing_key: str
    event_class: str
    at: Millis
    data: bytes


class EventLog(Protocol):
    async def read(
        self, after: int, limit: int, user_id: str | None = None, types: Sequence[str] = ()
    ) -> list[RecordedEvent]:
        """Events at positions above `after`, in order; of one user and of these types only,
        where given."""
        ...

    async def unpublished(self, limit: int) -> list[RecordedEvent]:
        """The oldest events that carry no mark, in order."""
        ...

    async def mark_published(self, positions: Sequence[int], at: Millis) -> None: ...
