from __future__ import annotations

from typing import Any

import msgspec
from pymongo.errors import DuplicateKeyError

from shothik_payment.adapters.mongo import names
from shothik_payment.adapters.mongo.database import LONG_SECONDS, Collection, Doc, MongoDatabase
from shothik_payment.adapters.mongo.rows import SCHEMA_VERSION
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.webhook_inbox import Webhook


class MongoWebhookInbox:
    def __init__(self, database: MongoDatabase) -> None:
        self._database = database

    @property
    def _webhooks(self) -> Collection:
        return self._database.collection(names.WEBHOOKS)

    async def add(self, webhook: Webhook) -> bool:
        document: Doc = msgspec.to_builtins(webhook)
        document["_id"] = _id(webhook)
        document["schema_version"] = SCHEMA_VERSION
        document["due_at"] = webhook.received_at
        with self._database.bounded():
            try:
                await self._webhooks.insert_one(document)
            except DuplicateKeyError:
                return False
        return True

    async def due(self, at: Millis, limit: int) -> list[Webhook]:
        with self._database.bounded():
            cursor = self._webhooks.find({"due_at": {"$lte": at}})
            found = await cursor.sort([("due_at", 1), ("_id", 1)]).limit(limit).to_list()
            return [msgspec.convert(document, Webhook) for document in found]

    async def postpone(self, webhook: Webhook, until: Millis) -> None:
        await self._change(webhook, {"$inc": {"attempts": 1}, "$set": {"due_at": until}})

    async def handled(self, webhook: Webhook, result: str, at: Millis) -> None:
        done = {"handled_at": at, "result": result}
        await self._change(webhook, {"$set": done, "$unset": {"due_at": ""}})

    async def prune(self, before: Millis, limit: int) -> int:
        old: dict[str, Any] = {"handled_at": {"$exists": True}, "received_at": {"$lt": before}}
        with self._database.bounded(LONG_SECONDS):
            cursor = self._webhooks.find(old, {"_id": 1})
            found = await cursor.sort("received_at", 1).limit(limit).to_list()
            # With what makes it old once more: another process may have pruned it, and a copy of
            # it have come since.
            ids = [document["_id"] for document in found]
            done = await self._webhooks.delete_many({"_id": {"$in": ids}, **old})
            return done.deleted_count

    async def _change(self, webhook: Webhook, change: Doc) -> None:
        """Only where it is not handled yet."""
        waiting = {"_id": _id(webhook), "due_at": {"$exists": True}}
        with self._database.bounded():
            await self._webhooks.update_one(waiting, change)


def _id(webhook: Webhook) -> str:
    return f"{webhook.gateway}/{webhook.notification.event_id}"
