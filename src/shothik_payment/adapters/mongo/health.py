from __future__ import annotations

from shothik_payment.adapters.mongo.database import MongoDatabase


class MongoHealth:
    name = "store"

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database

    async def ping(self) -> None:
        await self._database.ping()
