from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pymongo.asynchronous.cursor import AsyncCursor

from shothik_payment.adapters.mongo import names, rows
from shothik_payment.adapters.mongo.database import MongoDatabase
from shothik_payment.adapters.mongo.rows import Doc
from shothik_payment.adapters.shared_reads import SharedReads
from shothik_payment.domain.model.hold import Hold
from shothik_payment.domain.model.identifiers import bucket_of
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.transaction import Transaction
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.ports.wallets import DueUser, StoppedUsers

_DUE_FIRST = "due_first"
_STOPPED = "stopped"
_STOPPED_USERS = "stopped_users"
_READS_AT_ONCE = 4
"""Of wallets by user: most of what a read costs is the round trip."""


def due_cursor(
    database: MongoDatabase, at: Millis, limit: int, after: DueUser | None
) -> AsyncCursor[Doc]:
    """Names its index: it is asked for twice a second, and better fails than scans."""
    which: Doc = {"next_due_at": {"$lte": at}}
    if after is not None:
        which["next_due_at"]["$gte"] = after.since
        which["$or"] = [
            {"next_due_at": {"$gt": after.since}},
            {"_id": {"$gt": after.user_id}},
        ]
    cursor = database.collection(names.WALLETS).find(which, {"next_due_at": 1}, hint=_DUE_FIRST)
    return cursor.sort([("next_due_at", 1), ("_id", 1)]).limit(limit)


class MongoWallets:
    def __init__(self, database: MongoDatabase) -> None:
        self._database = database
        self._shared = SharedReads(self._documents, at_once=_READS_AT_ONCE)

    async def get(self, user_id: str) -> Wallet:
        found = await self._shared.get(user_id)
        with self._database.bounded():
            return Wallet(user_id) if found is None else rows.to_wallet(found)

    async def _documents(self, user_ids: Sequence[str]) -> list[Doc | None]:
        buckets = {bucket_of(user) for user in user_ids}
        which = {"_id": rows.among(set(user_ids)), "bucket": rows.among(buckets)}
        with self._database.bounded():
            cursor = self._database.collection(names.WALLETS).find(which)
            found = {wallet["_id"]: wallet for wallet in await cursor.to_list()}
        return [found.get(user) for user in user_ids]

    async def transaction(self, transaction_id: str) -> Transaction | None:
        with self._database.bounded():
            found = await self._by_id(names.TRANSACTIONS, transaction_id)
            return None if found is None else rows.to_transaction(found)

    async def hold(self, hold_id: str) -> Hold | None:
        with self._database.bounded():
            found = await self._by_id(names.HOLDS, hold_id)
            return None if found is None else rows.to_hold(found)

    async def of_payment(self, payment_id: str, limit: int) -> list[Transaction]:
        which = {"bucket": rows.bucket_in(payment_id), "payment_id": payment_id}
        with self._database.bounded():
            cursor = self._database.collection(names.TRANSACTIONS).find(which)
            found = await cursor.sort("number", 1).limit(limit).to_list()
            return [rows.to_transaction(row) for row in found]

    async def _by_id(self, collection: str, identifier: str) -> Doc | None:
        return await self._database.collection(collection).find_one(
            {"_id": identifier, "bucket": rows.bucket_in(identifier)}
        )

    async def history(self, user_id: str, before: int | None, limit: int) -> list[Transaction]:
        own: dict[str, Any] = {"bucket": bucket_of(user_id), "user_id": user_id}
        if before is not None:
            own["number"] = {"$lt": before}
        with self._database.bounded():
            cursor = self._database.collection(names.TRANSACTIONS).find(own)
            found = await cursor.sort("number", -1).limit(limit).to_list()
            return [rows.to_transaction(row) for row in found]

    async def stopped(self, service: str | None, after: str | None, limit: int) -> StoppedUsers:
        which: Doc = {"stopped_for": {"$in": ["", service]}, "_id": {"$gt": after or ""}}
        if service is None:
            which["stopped_for"] = {"$exists": True}
        with self._database.bounded():
            cursor = self._database.collection(names.WALLETS).find(
                which, hint=_STOPPED_USERS if service is None else None
            )
            found = await cursor.sort("_id", 1).limit(limit + 1).to_list()
            wallets = [rows.to_wallet(wallet) for wallet in found]
        page = wallets[:limit]
        return StoppedUsers(page, page[-1].user_id if len(wallets) > limit else None)

    async def stopped_count(self, at_most: int) -> int:
        with self._database.bounded():
            # Any text: an index of lists does not say which documents have one.
            return await self._database.collection(names.WALLETS).count_documents(
                {"stopped_for": {"$gte": ""}}, limit=at_most, hint=_STOPPED
            )

    async def due(self, at: Millis, limit: int, after: DueUser | None = None) -> list[DueUser]:
        with self._database.bounded():
            found = await due_cursor(self._database, at, limit, after).to_list()
        return [DueUser(wallet["_id"], Millis(wallet["next_due_at"])) for wallet in found]

    async def next_due(self, after: Millis) -> Millis | None:
        with self._database.bounded():
            found = await self._database.collection(names.WALLETS).find_one(
                {"next_due_at": {"$gt": after}},
                {"next_due_at": 1},
                sort=[("next_due_at", 1), ("_id", 1)],
                hint=_DUE_FIRST,
            )
        return None if found is None else Millis(found["next_due_at"])
