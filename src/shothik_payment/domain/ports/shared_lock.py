"""One at a time, over all processes."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol


class SharedLock(Protocol):
    def hold(
        self, name: str, *, ttl_seconds: float, wait_seconds: float
    ) -> AbstractAsyncContextManager[None]:
        """Inside, nobody else is inside under this name, for `ttl_seconds` at most: who stays
        longer, or loses the server that keeps the lock, is alone no more. So it saves work, and
        nothing that has to be right may depend on it. Not reentrant.

        Raises Unavailable on entering, where the others do not leave within `wait_seconds` or the
        server is away.
        """
        ...
