from __future__ import annotations

from typing import Any

from shothik_payment.adapters.sqlite.database import SqliteDatabase
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.web_session import Realm, WebSession

_ADD = """
    INSERT INTO web_sessions (digest, realm, user_id, form_token, opened_at, expires_at)
    VALUES (?, ?, ?, ?, ?, ?)
"""
_GET = """
    SELECT digest, realm, user_id, form_token, opened_at, expires_at FROM web_sessions
    WHERE digest = ?
"""
_PRUNE = """
    DELETE FROM web_sessions WHERE digest IN (
        SELECT digest FROM web_sessions WHERE expires_at < ? ORDER BY expires_at LIMIT ?
    )
"""


class SqliteWebSessions:
    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def add(self, session: WebSession) -> None:
        s = session
        row = s.digest, s.realm, s.user_id, s.form_token, s.opened_at, s.expires_at
        await self._write(_ADD, *row)

    async def get(self, digest: bytes) -> WebSession | None:
        row = await self._database.read(lambda c: c.execute(_GET, (digest,)).fetchone())
        if row is None:
            return None
        digest, realm, user_id, form_token, opened_at, expires_at = row
        return WebSession(
            digest, Realm(realm), user_id, form_token, Millis(opened_at), Millis(expires_at)
        )

    async def remove(self, digest: bytes) -> None:
        await self._write("DELETE FROM web_sessions WHERE digest = ?", digest)

    async def prune(self, before: Millis, limit: int) -> int:
        return await self._write(_PRUNE, before, limit)

    async def _write(self, statement: str, *values: Any) -> int:
        """How many rows it changed."""
        return await self._database.write(lambda c: c.execute(statement, values).rowcount)
