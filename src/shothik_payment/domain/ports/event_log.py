"""The outbox: events as they were committed, to be published and read again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from shothik_payment.domain.model.identifiers import BUCKETS, bucket_of
from shothik_payment.domain.model.time import Millis

PARTITIONS = 16
"""Of the outbox: how finely relays can share it. One user's events are in one partition."""

START = ""
"""The position before every event."""


def partition_of(user_id: str) -> int:
    """From 0 on: the first digit of the user's bucket, so an event's id shows it too."""
    return int(bucket_of(user_id), 16) * PARTITIONS // BUCKETS


@dataclass(slots=True)
class RecordedEvent:
    """An event as it goes on the wire. `data` is the JSON text of its data.

    `position` is where to go on reading; only the log that gave it can compare it. One user's
    events are in the order of `sequence`.
    """

    position: str
    id: str
    user_id: str
    sequence: int
    type: str
    routing_key: str
    event_class: str
    at: Millis
    data: bytes


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits to be published: how many events, and the time of the oldest (None: none waits);
    and how many were told, but wanted by no queue."""

    events: int
    oldest_at: Millis | None
    unwanted: int


class EventLog(Protocol):
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
        """Events at positions beyond `after`, in order; of one user, of these types, from `since`
        on and before `until` only, where given; `published`: only those marked so. One user's are
        in the order of their sequence; over users the order is that of commits as well as the
        store knows it. `until` may leave out an event that was committed a day after its time, as
        under a clock that is wrong by so much.

        Raises InvalidRequest (field `after`) for what is no position of this log.
        """
        ...

    async def latest(
        self,
        limit: int,
        user_id: str | None = None,
        types: Sequence[str] = (),
        before: str = START,
    ) -> list[RecordedEvent]:
        """The newest events, newest first, in the reverse of the order of `read`; of one user and
        of these types only, and at positions before `before`, where given.

        Raises InvalidRequest (field `before`) for what is no position of this log.
        """
        ...

    async def unpublished(
        self, partitions: Collection[int], limit: int, without: Collection[str] = ()
    ) -> list[RecordedEvent]:
        """The oldest events of these partitions that carry no mark, except for the users in
        `without`; each user's in the order of their sequence and without a gap."""
        ...

    async def unpublished_of(self, user_id: str, limit: int) -> list[RecordedEvent]:
        """One user's oldest events that carry no mark, in order."""
        ...

    async def mark(
        self, published: Sequence[RecordedEvent], unwanted: Sequence[RecordedEvent], at: Millis
    ) -> None:
        """Mark events as published, or as told and wanted by no queue. Marked twice is marked; who
        was unwanted and is published now is published."""
        ...

    async def unwanted(
        self, partitions: Collection[int], limit: int, after: str = START
    ) -> list[RecordedEvent]:
        """The oldest events of these partitions that no queue wanted, at positions beyond `after`,
        in order."""
        ...

    async def backlog(self) -> Backlog: ...
