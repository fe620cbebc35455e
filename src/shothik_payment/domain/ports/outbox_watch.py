"""Hearing that another process has committed."""

from __future__ import annotations

from typing import Protocol


class OutboxWatch(Protocol):
    async def changed(self, seconds: float) -> bool:
        """Wait until somebody wrote events, for `seconds` at most; whether somebody did. It may
        miss some: who waits has to look now and then in any case. Raises Unavailable."""
        ...

    async def close(self) -> None: ...
