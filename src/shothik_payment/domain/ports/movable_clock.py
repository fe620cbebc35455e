"""A clock that can be put forward, for whoever tries out what takes months."""

from __future__ import annotations

from typing import Protocol

from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.clock import Clock


class MovableClock(Clock, Protocol):
    """Goes on by itself, ahead of the real time by what it was put forward; never back."""

    async def load(self) -> None:
        """Go on where the last process was put; before it, the clock shows the real time. Raises
        Unavailable and StoreCorrupt."""
        ...

    async def move_to(self, at: Millis) -> None:
        """Show `at`, unless it is later already; kept for good before it is shown. Raises
        Unavailable, and Conflict where another process has moved it."""
        ...
