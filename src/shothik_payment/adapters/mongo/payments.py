from __future__ import annotations

from typing import Any

from shothik_payment.adapters.mongo import names, rows
from shothik_payment.adapters.mongo.database import Collection, MongoDatabase
from shothik_payment.domain.model.identifiers import bucket_of
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.model.time import Millis

_TO_CHECK = "to_check"


class MongoPayments:
    def __init__(self, database: MongoDatabase) -> None:
        self._database = database

    @property
    def _payments(self) -> Collection:
        return self._database.collection(names.PAYMENTS)

    async def get(self, payment_id: str) -> Payment | None:
        with self._database.bounded():
            found = await self._payments.find_one(
                {"_id": payment_id, "bucket": rows.bucket_in(payment_id)}
            )
            return None if found is None else rows.to_payment(found)

    async def by_session(self, gateway: str, session_id: str) -> Payment | None:
        with self._database.bounded():
            session = await self._database.collection(names.PAYMENT_SESSIONS).find_one(
                {"_id": rows.session_id(gateway, session_id)}
            )
        return None if session is None else await self.get(session["payment_id"])

    async def of_user(self, user_id: str, before: str | None, limit: int) -> list[Payment]:
        own: dict[str, Any] = {"bucket": bucket_of(user_id), "user_id": user_id}
        if before is not None:
            own["_id"] = {"$lt": before}
        with self._database.bounded():
            found = await self._payments.find(own).sort("_id", -1).limit(limit).to_list()
            return [rows.to_payment(payment) for payment in found]

    async def to_check(self, at: Millis, limit: int) -> list[Payment]:
        with self._database.bounded():
            cursor = self._payments.find({"next_check_at": {"$lte": at}}, hint=_TO_CHECK)
            found = await cursor.sort([("next_check_at", 1), ("_id", 1)]).limit(limit).to_list()
            return [rows.to_payment(payment) for payment in found]

    async def next_check(self, after: Millis) -> Millis | None:
        with self._database.bounded():
            found = await self._payments.find_one(
                {"next_check_at": {"$gt": after}},
                {"next_check_at": 1},
                sort=[("next_check_at", 1), ("_id", 1)],
                hint=_TO_CHECK,
            )
        return None if found is None else Millis(found["next_check_at"])

    async def under_review(self, before: str | None, limit: int) -> list[Payment]:
        # Any text: what an older release has written may be null.
        which: dict[str, Any] = {"review_reason": {"$gte": ""}}
        if before is not None:
            last = await self.get(before)
            if last is None:
                return []
            which["created_at"] = {"$lte": last.created_at}
            which["$or"] = [{"created_at": {"$lt": last.created_at}}, {"_id": {"$lt": last.id}}]
        with self._database.bounded():
            cursor = self._payments.find(which).sort([("created_at", -1), ("_id", -1)])
            return [rows.to_payment(payment) for payment in await cursor.limit(limit).to_list()]
