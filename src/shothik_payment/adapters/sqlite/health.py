from __future__ import annotations

import sqlite3

from shothik_payment.adapters.sqlite.database import SqliteDatabase
from shothik_payment.domain.errors import Unavailable


class SqliteHealth:
    name = "store"

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def ping(self) -> None:
        def work(connection: sqlite3.Connection) -> bool:
            connection.execute("SELECT 1 FROM wallets LIMIT 1").fetchall()
            # A file that was deleted stays readable for those who have it open.
            return self._database.path.exists()

        if not await self._database.read(work):
            raise Unavailable("The data store's file was deleted or moved away.")
