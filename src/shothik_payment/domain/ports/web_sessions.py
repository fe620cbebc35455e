"""Browsers that are signed in, as every process has to know them."""

from __future__ import annotations

from typing import Protocol

from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.web_session import WebSession


class WebSessions(Protocol):
    async def add(self, session: WebSession) -> None: ...

    async def get(self, digest: bytes) -> WebSession | None:
        """As it was added; also one that has expired and is not pruned yet."""
        ...

    async def remove(self, digest: bytes) -> None:
        """None of this digest is fine, too."""
        ...

    async def prune(self, before: Millis, limit: int) -> int:
        """Delete sessions that expired before then, at most `limit`; how many."""
        ...
