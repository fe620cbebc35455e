from __future__ import annotations

from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.web_session import WebSession


class MemoryWebSessions:
    def __init__(self, state: MemoryState) -> None:
        self._sessions = state.web_sessions

    async def add(self, session: WebSession) -> None:
        self._sessions[session.digest] = session

    async def get(self, digest: bytes) -> WebSession | None:
        return self._sessions.get(digest)

    async def remove(self, digest: bytes) -> None:
        self._sessions.pop(digest, None)

    async def prune(self, before: Millis, limit: int) -> int:
        ended = [s.digest for s in self._sessions.values() if s.expires_at < before][:limit]
        for digest in ended:
            del self._sessions[digest]
        return len(ended)
