"""Whether a dependency can be reached."""

from __future__ import annotations

from typing import Protocol


class HealthCheck(Protocol):
    @property
    def name(self) -> str:
        """Of the dependency: `store`, `cache`, `broker`."""
        ...

    async def ping(self) -> None:
        """Return when it answers; raise Unavailable or StoreCorrupt, saying what is wrong."""
        ...
