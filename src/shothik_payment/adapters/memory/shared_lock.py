from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from shothik_payment.domain.errors import Unavailable


@dataclass(slots=True, eq=False)
class _Holder:
    until: float
    left: asyncio.Event = field(default_factory=asyncio.Event)


class MemorySharedLock:
    """For the one process there is. Times are the event loop's."""

    def __init__(self) -> None:
        self._holders: dict[str, _Holder] = {}

    @asynccontextmanager
    async def hold(
        self, name: str, *, ttl_seconds: float, wait_seconds: float
    ) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(wait_seconds):
                await self._free(name)
        except TimeoutError:
            raise Unavailable("Somebody else is at it.") from None
        own = _Holder(asyncio.get_running_loop().time() + ttl_seconds)
        self._holders[name] = own
        try:
            yield
        finally:
            if self._holders.get(name) is own:
                del self._holders[name]
            own.left.set()

    async def _free(self, name: str) -> None:
        """Return when nobody holds it, or who does has stayed too long."""
        now = asyncio.get_running_loop().time
        while (other := self._holders.get(name)) is not None and now() < other.until:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(other.until):
                    await other.left.wait()
