from __future__ import annotations

from shothik_payment.adapters.mongo import names
from shothik_payment.adapters.mongo.database import MongoDatabase
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.transaction import TransactionKind
from shothik_payment.domain.ports.statistics import ChargedHour

_SLOT = {"hour": "$hour", "service": "$service", "kind": "$kind"}
_SUMS = {"credits": {"$sum": "$credits"}, "rows": {"$sum": "$rows"}}


class MongoStatistics:
    """The sums of all shards together; see `charges.py`."""

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database

    async def charged(self, since: Millis, until: Millis) -> list[ChargedHour]:
        with self._database.bounded():
            cursor = await self._database.collection(names.CHARGED_HOURS).aggregate(
                [
                    {"$match": {"hour": {"$gte": since, "$lt": until}}},
                    {"$group": {"_id": _SLOT, **_SUMS}},
                    {"$sort": {"_id.hour": 1, "_id.service": 1, "_id.kind": 1}},
                ],
                hint="hour",
            )
            return [
                ChargedHour(
                    Millis(int(slot["hour"])),
                    slot["service"],
                    TransactionKind(slot["kind"]),
                    int(found["credits"]),
                    int(found["rows"]),
                )
                async for found in cursor
                for slot in (found["_id"],)
            ]
