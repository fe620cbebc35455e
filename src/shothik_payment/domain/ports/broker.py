"""Publishing events to whoever listens."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from shothik_payment.domain.ports.event_log import RecordedEvent


class Delivery(StrEnum):
    """`TAKEN`: every queue that wants it has it for good. `UNWANTED`: no queue wants it.
    `REFUSED`: a queue that wants it would not take it (another may have)."""

    TAKEN = "taken"
    UNWANTED = "unwanted"
    REFUSED = "refused"


class Broker(Protocol):
    async def declare_control_queues(self, services: Sequence[str]) -> list[str]:
        """Make `{service}.stop_user` and `{service}.resume_user` exist and be bound, so that no
        stop is lost before its first consumer starts. Repeatable.

        Gives the services that are not ready, because the broker would not make or bind one of
        their queues; all others are. Raises Unavailable when the broker is away.
        """
        ...

    async def publish(
        self, events: Sequence[RecordedEvent], queue: str | None = None
    ) -> list[Delivery]:
        """Publish in order, to whoever wants them, or into one queue; what became of each.

        Raises Unavailable when the broker is away: then any of them may have been taken.
        """
        ...
