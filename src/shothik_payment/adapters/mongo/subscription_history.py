from __future__ import annotations

from shothik_payment.adapters.mongo import names, rows
from shothik_payment.adapters.mongo.database import MongoDatabase
from shothik_payment.adapters.mongo.rows import Doc
from shothik_payment.domain.model.identifiers import bucket_of
from shothik_payment.domain.model.subscription import SubscriptionStep


class MongoSubscriptionHistory:
    def __init__(self, database: MongoDatabase) -> None:
        self._database = database

    async def of_user(self, user_id: str, before: int | None, limit: int) -> list[SubscriptionStep]:
        own: Doc = {"bucket": bucket_of(user_id), "user_id": user_id}
        if before is not None:
            own["number"] = {"$lt": before}
        with self._database.bounded():
            cursor = self._database.collection(names.SUBSCRIPTION_STEPS).find(own)
            found = await cursor.sort("number", -1).limit(limit).to_list()
            return [rows.to_step(step) for step in found]
