from __future__ import annotations

import time
from collections.abc import Callable


class MemorySharedValues:
    """For the one process there is. `monotonic` in seconds, as the event loop counts them."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._values: dict[str, tuple[float, str]] = {}

    async def get(self, name: str) -> str | None:
        until, value = self._values.get(name, (0.0, None))
        if value is not None and until <= self._monotonic():
            del self._values[name]
            return None
        return value

    async def put(self, name: str, value: str, ttl_seconds: int) -> None:
        self._values[name] = (self._monotonic() + ttl_seconds, value)

    async def forget(self, name: str, value: str) -> None:
        if await self.get(name) == value:
            del self._values[name]
