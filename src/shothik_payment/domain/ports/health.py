"""Whether a dependency can be reached."""

from __future__ import annotations

from typing import Protocol

PING_SECONDS = 1.5
"""Less than whoever asks waits: whom time runs out does not hear which server is away."""


class HealthCheck(Protocol):
    @property
    def name(self) -> str:
        """Of the dependency: `store`, `cache`, `broker`."""
        ...

    async def ping(self) -> None:
        """Return when it answers; raise Unavailable or StoreCorrupt, saying what is wrong. Over a
        network it has PING_SECONDS."""
        ...
