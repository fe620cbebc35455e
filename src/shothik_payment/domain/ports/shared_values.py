"""Short-lived values that all processes share and that may be lost at any time."""

from __future__ import annotations

from typing import Protocol


class SharedValues(Protocol):
    """For a gateway's access token: never in the store, never in a log. Raises Unavailable."""

    async def get(self, name: str) -> str | None:
        """None where it was never put, was forgotten or lost, or its time is over."""
        ...

    async def put(self, name: str, value: str, ttl_seconds: int) -> None:
        """For `ttl_seconds`, at least 1, in place of what is there."""
        ...

    async def forget(self, name: str, value: str) -> None:
        """Where the value is still this one: another process may have put a newer one."""
        ...
