"""Hearing events as a consumer does."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """An event as it came in: RFC 3339 `time`, `data` the JSON text. `delivery` is what the stream
    that gave it knows it by. `redelivered`: it was given to somebody before."""

    queue: str
    id: str
    user_id: str
    sequence: int
    type: str
    time: str
    data: bytes
    redelivered: bool
    delivery: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that is no event, for the reason in `problem`."""

    queue: str
    body: bytes
    problem: str


@dataclass(frozen=True, slots=True)
class QueueState:
    """How many events wait for somebody to take them, and how many consumers there are."""

    waiting: int
    consumers: int


class EventStream(Protocol):
    """Of one consumer: what it receives is its own to answer."""

    async def declare(self, service: str, kinds: Sequence[str]) -> list[str]:
        """Make the service's queues exist and be bound, as a microservice does; their names.

        A kind is `stop_user`, `resume_user`, `control` (both, in order) or an event type.
        Repeatable. Raises Unavailable.
        """
        ...

    def received(
        self, queues: Sequence[str], put_aside: Callable[[Unreadable], None] | None = None
    ) -> AsyncGenerator[ReceivedEvent, None]:
        """What arrives in these queues, without an end. Each event has to be accepted or rejected;
        a few hundred may wait for that. What was not answered when it ends comes again. What is
        no event is put aside for an operator, and `put_aside` told of it.

        Raises Unavailable when the broker goes away or a queue is not there: call it again later.
        """
        ...

    def watched(self) -> AsyncGenerator[ReceivedEvent, None]:
        """Every event that is published from now on, beside all queues: nothing is taken from
        anybody, and there is nothing to accept. Raises Unavailable when the broker goes away."""
        ...

    async def accept(self, event: ReceivedEvent) -> None:
        """It was dealt with. Raises Unavailable: then it comes again."""
        ...

    async def reject(self, event: ReceivedEvent, *, again: bool = False) -> None:
        """It cannot be dealt with: put it aside for an operator or, with `again`, give it once
        more, up to the queue's delivery limit. Raises Unavailable: then it comes again."""
        ...

    async def states(self, queues: Sequence[str]) -> dict[str, QueueState]:
        """What is in each, and who takes it; a queue that is not there is left out. Raises
        Unavailable."""
        ...
