from __future__ import annotations

from collections.abc import Collection as Some
from typing import Any

from bson import Int64
from pymongo import UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession

from shothik_payment.adapters.mongo import names
from shothik_payment.adapters.mongo.api_keys import record
from shothik_payment.adapters.mongo.database import (
    ANSWER_SECONDS,
    LONG_SECONDS,
    READ_CONCERN,
    READ_PREFERENCE,
    WRITE_CONCERN,
    MongoDatabase,
)
from shothik_payment.adapters.mongo.rows import SCHEMA_VERSION
from shothik_payment.domain.model.key_usage import Granularity, LastUse, Slot, UsageCount
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.key_usage import UsageBatch

_LARGE = 1_000


class MongoKeyUsage:
    """A batch is one transaction: two processes that count in the same hour conflict at times, and
    the driver repeats the loser's."""

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database

    async def add(self, batch: UsageBatch) -> None:
        async def work(session: AsyncClientSession) -> None:
            if await self._is_new(batch, session):
                await self._count(batch, session)
                await self._set_last_use(batch, session)
                await record(self._database, batch.refused, session)

        # One that cannot be stored in time would never be.
        size = len(batch.counts) + len(batch.refused)
        with self._database.bounded(LONG_SECONDS if size > _LARGE else ANSWER_SECONDS):
            async with self._database.client.start_session() as session:
                await session.with_transaction(
                    work,
                    read_concern=READ_CONCERN,
                    write_concern=WRITE_CONCERN,
                    read_preference=READ_PREFERENCE,
                )

    async def _is_new(self, batch: UsageBatch, session: AsyncClientSession) -> bool:
        """Writes the number, too: an earlier try of this batch that is still under way conflicts
        with it."""
        recorders = self._database.collection(names.USAGE_RECORDERS)
        found = await recorders.find_one({"_id": batch.recorder}, session=session)
        if found is not None and found["batch"] >= batch.number:
            return False
        state = {"schema_version": SCHEMA_VERSION, "batch": batch.number, "at": batch.at}
        await recorders.update_one(
            {"_id": batch.recorder}, {"$set": state}, upsert=True, session=session
        )
        return True

    async def _count(self, batch: UsageBatch, session: AsyncClientSession) -> None:
        counts = [_counting(slot, requests) for slot, requests in batch.counts.items()]
        if counts:
            usage = self._database.collection(names.KEY_USAGE)
            await usage.bulk_write(counts, ordered=False, session=session)

    async def _set_last_use(self, batch: UsageBatch, session: AsyncClientSession) -> None:
        uses = self._database.collection(names.KEY_LAST_USE)
        known = uses.find({"_id": {"$in": list(batch.last)}}, session=session)
        at = {use["_id"]: use["at"] async for use in known}
        later = [
            UpdateOne(
                {"_id": key_id},
                {"$set": {"at": use.at, "address": use.address, "schema_version": SCHEMA_VERSION}},
                upsert=True,
            )
            for key_id, use in batch.last.items()
            if use.at >= at.get(key_id, 0)
        ]
        if later:
            await uses.bulk_write(later, ordered=False, session=session)

    async def read(
        self, key_id: str, since: Millis, until: Millis, granularity: Granularity
    ) -> list[UsageCount]:
        period = Int64(granularity.milliseconds)
        slot = {
            "start": {"$subtract": ["$hour", {"$mod": ["$hour", period]}]},
            "endpoint": "$endpoint",
            "status": "$status",
        }
        with self._database.bounded():
            cursor = await self._database.collection(names.KEY_USAGE).aggregate(
                [
                    {"$match": {"key_id": key_id, "hour": {"$gte": since, "$lt": until}}},
                    {"$group": {"_id": slot, "requests": {"$sum": "$requests"}}},
                ]
            )
            return [_to_count(found) async for found in cursor]

    async def last_used(self, key_ids: Some[str]) -> dict[str, LastUse]:
        uses = self._database.collection(names.KEY_LAST_USE)
        with self._database.bounded():
            found = await uses.find({"_id": {"$in": list(key_ids)}}).to_list()
        return {use["_id"]: LastUse(Millis(int(use["at"])), use["address"]) for use in found}

    async def prune(self, before: Millis, limit: int) -> int:
        usage = self._database.collection(names.KEY_USAGE)
        recorders = self._database.collection(names.USAGE_RECORDERS)
        with self._database.bounded(LONG_SECONDS):
            await recorders.delete_many({"at": {"$lt": before}})
            cursor = usage.find({"hour": {"$lt": before}}, {"_id": 1})
            found = await cursor.sort("hour", 1).limit(limit).to_list()
            done = await usage.delete_many({"_id": {"$in": [old["_id"] for old in found]}})
            return done.deleted_count


def _counting(slot: Slot, requests: int) -> UpdateOne:
    key_id, hour, endpoint, status = slot
    made = {
        "schema_version": SCHEMA_VERSION,
        "key_id": key_id,
        "hour": hour,
        "endpoint": endpoint,
        "status": status,
    }
    return UpdateOne(
        {"_id": f"{key_id}/{hour}/{status}/{endpoint}"},
        {"$inc": {"requests": Int64(requests)}, "$setOnInsert": made},
        upsert=True,
    )


def _to_count(found: dict[str, Any]) -> UsageCount:
    slot = found["_id"]
    return UsageCount(
        Millis(int(slot["start"])), slot["endpoint"], int(slot["status"]), int(found["requests"])
    )
