"""Requests under one key take turns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary


class Turns:
    """A repeat that arrives while the first is in flight in this process waits for its end; then
    it finds what the first has left. The lock of a key lives while somebody holds or awaits it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, key: str | None) -> AsyncIterator[None]:
        """None: no key, no waiting."""
        if key is None:
            yield
            return
        lock = self._locks.get(key)
        if lock is None:
            self._locks[key] = lock = asyncio.Lock()
        async with lock:
            yield
