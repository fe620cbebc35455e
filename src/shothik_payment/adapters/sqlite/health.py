from __future__ import annotations

from shothik_payment.adapters.sqlite.database import SqliteDatabase


class SqliteHealth:
    name = "store"

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def ping(self) -> None:
        await self._database.ping()
