from __future__ import annotations

import sqlite3

from shothik_payment.adapters.sqlite.database import SqliteDatabase


class SqliteDocuments:
    """Documents of one `kind`."""

    def __init__(self, database: SqliteDatabase, kind: str) -> None:
        self._database = database
        self._kind = kind

    async def get(self, document_id: str) -> bytes | None:
        def work(connection: sqlite3.Connection) -> bytes | None:
            row = connection.execute(
                "SELECT body FROM documents WHERE kind = ? AND id = ?", (self._kind, document_id)
            ).fetchone()
            return None if row is None else bytes(row[0])

        return await self._database.read(work)

    async def replace(self, document_id: str, old: bytes | None, new: bytes) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            if old is None:
                done = connection.execute(
                    "INSERT INTO documents (kind, id, body) VALUES (?, ?, ?)"
                    " ON CONFLICT DO NOTHING",
                    (self._kind, document_id, new),
                )
            else:
                done = connection.execute(
                    "UPDATE documents SET body = ? WHERE kind = ? AND id = ? AND body = ?",
                    (new, self._kind, document_id, old),
                )
            return done.rowcount == 1

        return await self._database.write(work)
