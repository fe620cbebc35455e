"""Publishing events to whoever listens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from shothik_payment.domain.ports.event_log import RecordedEvent


class Broker(Protocol):
    async def declare_control_queues(self, services: Sequence[str]) -> None:
        """Make `{service}.stop_user` and `{service}.resume_user` exist and be bound, so that no
        stop is lost before its first consumer starts. Repeatable."""
        ...

    async def publish(self, events: Sequence[RecordedEvent]) -> list[bool]:
        """Publish in order; True where a queue took the event, False where none wanted it.

        Raises Unavailable when the broker is away: then any of them may have been taken.
        """
        ...
