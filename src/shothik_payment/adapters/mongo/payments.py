from __future__ import annotations

from typing import Any

from shothik_payment.adapters.mongo import names, rows
from shothik_payment.adapters.mongo.database import Collection, MongoDatabase
from shothik_payment.domain.model.identifiers import bucket_of
from shothik_payment.domain.model.payment import Payment, PaymentStatus
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.payments import PaymentFilter, PaymentSum

_TO_CHECK = "to_check"
_TO_CHECK_OF = "to_check_of"
_NEWEST = "newest"
_NEWEST_FIRST = [("created_at", -1), ("_id", -1)]
# By what is equal in all payments asked for; each goes on by time, but that of a user, who has few.
_INDEXES = {
    (False, False): _NEWEST,
    (False, True): "status",
    (True, False): "gateway",
    (True, True): "gateway_status",
}


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

    async def to_check(
        self, at: Millis, limit: int, after: Payment | None = None, gateway: str | None = None
    ) -> list[Payment]:
        which: dict[str, Any] = {"next_check_at": {"$lte": at}}
        if gateway is not None:
            which["gateway"] = gateway
        if after is not None:
            which["next_check_at"]["$gte"] = after.next_check_at
            which["$or"] = [
                {"next_check_at": {"$gt": after.next_check_at}},
                {"_id": {"$gt": after.id}},
            ]
        with self._database.bounded():
            hint = _TO_CHECK if gateway is None else _TO_CHECK_OF
            cursor = self._payments.find(which, hint=hint)
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
            which["$and"] = _behind(last)
        with self._database.bounded():
            cursor = self._payments.find(which).sort(_NEWEST_FIRST)
            return [rows.to_payment(payment) for payment in await cursor.limit(limit).to_list()]

    async def search(self, which: PaymentFilter, before: str | None, limit: int) -> list[Payment]:
        last = None if before is None else await self.get(before)
        if before is not None and last is None:
            return []
        query, index = _query(which)
        query["$and"] = _created(which.since, which.until)
        if last is not None:
            query["$and"] += _behind(last)
        with self._database.bounded():
            cursor = self._payments.find(query, hint=index).sort(_NEWEST_FIRST)
            return [rows.to_payment(payment) for payment in await cursor.limit(limit).to_list()]

    async def counts(
        self, since: Millis, until: Millis
    ) -> dict[tuple[PaymentStatus, str], PaymentSum]:
        group = {
            "_id": {"status": "$status", "currency": "$price.currency"},
            "payments": {"$sum": 1},
            "amount_minor": {"$sum": "$price.amount_minor"},
        }
        with self._database.bounded():
            cursor = await self._payments.aggregate(
                [{"$match": {"$and": _created(since, until)}}, {"$group": group}], hint=_NEWEST
            )
            return {
                (PaymentStatus(found["_id"]["status"]), found["_id"]["currency"]): PaymentSum(
                    int(found["payments"]), int(found["amount_minor"])
                )
                async for found in cursor
            }


def _query(which: PaymentFilter) -> tuple[dict[str, Any], str]:
    """What has to be equal, and the index to find it by."""
    asked = {
        "gateway": which.gateway,
        "status": None if which.status is None else which.status.value,
        "user_id": which.user_id,
    }
    query: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    if which.user_id is not None:
        query["bucket"] = bucket_of(which.user_id)
        return query, "user"
    return query, _INDEXES["gateway" in query, "status" in query]


def _created(since: Millis | None, until: Millis | None) -> list[dict[str, Any]]:
    bounds: list[dict[str, Any]] = [{"created_at": {"$gte": since or 0}}]
    if until is not None:
        bounds.append({"created_at": {"$lt": until}})
    return bounds


def _behind(last: Payment) -> list[dict[str, Any]]:
    return [
        {"created_at": {"$lte": last.created_at}},
        {"$or": [{"created_at": {"$lt": last.created_at}}, {"_id": {"$lt": last.id}}]},
    ]
