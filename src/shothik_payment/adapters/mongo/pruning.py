from __future__ import annotations

from pymongo import DeleteMany, UpdateOne

from shothik_payment.adapters.mongo import names, rows
from shothik_payment.adapters.mongo.database import LONG_SECONDS, MongoDatabase
from shothik_payment.adapters.mongo.rows import Doc
from shothik_payment.domain.model.time import Millis

_AT_ONCE = 1_000
_IDS_AT_ONCE = 100
_FIELDS = {"bucket": 1, "user_id": 1, "sequence": 1, "at": 1, "state": 1}


class MongoPruning:
    def __init__(self, database: MongoDatabase) -> None:
        self._database = database

    async def prune_events(self, before: Millis, limit: int) -> int:
        """No index has the times, since every commit would have to keep it. The outbox is walked
        from its old end instead, until among so many events some are young. A user's first event
        that has to stay holds back what follows it."""
        held: set[str] = set()
        found: list[Doc] = []
        with self._database.bounded(LONG_SECONDS):
            walk = self._database.collection(names.OUTBOX).find({}, _FIELDS, batch_size=_AT_ONCE)
            passed = young = 0
            async with walk.sort([("order", 1), ("_id", 1)]) as events:
                async for event in events:
                    passed += 1
                    young += event["at"] >= before
                    if "state" in event or event["at"] >= before:
                        held.add(event["user_id"])
                    elif event["user_id"] not in held:
                        found.append(event)
                    if len(found) == limit or (young and passed % _AT_ONCE == 0):
                        break
            parts = [found[n : n + _AT_ONCE] for n in range(0, len(found), _AT_ONCE)]
            return sum([await self._delete(part) for part in parts])

    async def _delete(self, events: list[Doc]) -> int:
        """How far each user's events go is written first: a process that is killed in between
        leaves no gap that nobody can explain."""
        through: dict[tuple[str, str], int] = {}
        for event in events:
            through[event["bucket"], event["user_id"]] = event["sequence"]
        marks = [
            UpdateOne(
                {"_id": user, "bucket": bucket},
                {
                    "$max": {"through": sequence},
                    "$setOnInsert": {"schema_version": rows.SCHEMA_VERSION},
                },
                upsert=True,
            )
            for (bucket, user), sequence in through.items()
        ]
        await self._database.collection(names.PRUNED).bulk_write(marks, ordered=False)
        return await self._drop(names.OUTBOX, events)

    async def prune_requests(self, before: Millis, limit: int) -> int:
        keys = self._database.collection(names.REQUEST_KEYS)
        with self._database.bounded(LONG_SECONDS):
            cursor = keys.find({"at": {"$lt": before}}, {"bucket": 1})
            found = await cursor.sort("at", 1).limit(limit).to_list()
            # With the time once more: a key may be pruned by another process and bound anew.
            old = {"at": {"$lt": before}}
            return await self._drop(names.REQUEST_KEYS, found, old) if found else 0

    async def _drop(self, collection: str, documents: list[Doc], only: Doc | None = None) -> int:
        operations = []
        for start in range(0, len(documents), _IDS_AT_ONCE):
            some = documents[start : start + _IDS_AT_ONCE]
            which = {
                "bucket": rows.among({document["bucket"] for document in some}),
                "_id": rows.among(document["_id"] for document in some),
                **(only or {}),
            }
            operations.append(DeleteMany(which, hint=rows.BY_ID))
        done = await self._database.collection(collection).bulk_write(operations)
        return done.deleted_count
