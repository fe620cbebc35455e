from __future__ import annotations

from collections.abc import AsyncIterator

from pymongo.asynchronous.client_session import AsyncClientSession

from shothik_payment.adapters.mongo import names, rows
from shothik_payment.adapters.mongo.database import (
    LONG_SECONDS,
    READ_PREFERENCE,
    SNAPSHOT,
    MongoDatabase,
)
from shothik_payment.adapters.mongo.rows import Doc
from shothik_payment.domain.model.identifiers import bucket_of
from shothik_payment.domain.model.transaction import Transaction
from shothik_payment.domain.ports.ledger_audit import AuditedUser

USERS_AT_ONCE = 100
ROWS_AT_ONCE = 1000


class MongoLedgerAudit:
    """Wallets, holds and events of some users are read in one transaction. Their rows need none:
    a row never changes, so those up to the wallet's last number are of the wallet's moment, however
    long reading them takes."""

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database

    async def count_users(self) -> int:
        with self._database.bounded(LONG_SECONDS):
            return await self._database.collection(names.WALLETS).count_documents({})

    async def users(self) -> AsyncIterator[tuple[AuditedUser, AsyncIterator[Transaction]]]:
        last = ""
        while users := await self._next(last):
            for user in users:
                yield user, self._rows(user)
            last = users[-1].wallet.user_id

    async def _next(self, last: str) -> list[AuditedUser]:
        found: list[AuditedUser] = []

        async def work(session: AsyncClientSession) -> None:
            found[:] = await self._read(last, session)

        with self._database.bounded(LONG_SECONDS):
            async with self._database.client.start_session() as session:
                await session.with_transaction(
                    work, read_concern=SNAPSHOT, read_preference=READ_PREFERENCE
                )
        return found

    async def _read(self, last: str, session: AsyncClientSession) -> list[AuditedUser]:
        wallets = await (
            self._database.collection(names.WALLETS)
            .find({"_id": {"$gt": last}}, session=session)
            .sort("_id", 1)
            .limit(USERS_AT_ONCE)
            .to_list()
        )
        users = {w["_id"]: AuditedUser(rows.to_wallet(w), [], 0, 0, 0, 0) for w in wallets}
        if not users:
            return []
        theirs = {
            "bucket": {"$in": sorted({bucket_of(user) for user in users})},
            "user_id": {"$in": list(users)},
        }
        holds = self._database.collection(names.HOLDS).find(
            {**theirs, "open": True}, session=session
        )
        async for document in holds:
            hold = rows.to_hold(document)
            users[hold.user_id].open_holds.append(hold)
        await self._add_events(users, theirs, session)
        return list(users.values())

    async def _add_events(
        self, users: dict[str, AuditedUser], theirs: Doc, session: AsyncClientSession
    ) -> None:
        per_user = {
            "_id": "$user_id",
            "count": {"$sum": 1},
            "first": {"$min": "$sequence"},
            "last": {"$max": "$sequence"},
        }
        told = await self._database.collection(names.OUTBOX).aggregate(
            [{"$match": theirs}, {"$group": per_user}], session=session
        )
        async for found in told:
            user = users[found["_id"]]
            user.event_count = int(found["count"])
            user.first_sequence = int(found["first"])
            user.last_sequence = int(found["last"])
        pruned = self._database.collection(names.PRUNED).find(
            {"bucket": theirs["bucket"], "_id": theirs["user_id"]}, session=session
        )
        async for mark in pruned:
            users[mark["_id"]].pruned_through = int(mark["through"])

    async def _rows(self, user: AuditedUser) -> AsyncIterator[Transaction]:
        wallet, number = user.wallet, 0
        while number < wallet.rows:
            own = {
                "bucket": bucket_of(wallet.user_id),
                "user_id": wallet.user_id,
                "number": {"$gt": number, "$lte": wallet.rows},
            }
            with self._database.bounded(LONG_SECONDS):
                cursor = self._database.collection(names.TRANSACTIONS).find(own)
                found = await cursor.sort("number", 1).limit(ROWS_AT_ONCE).to_list()
            if not found:
                return  # a row is missing: the caller's sums will say so
            for document in found:
                yield rows.to_transaction(document)
            number = int(found[-1]["number"])

    async def orphans(self) -> list[str]:
        owners: set[str] = set()
        for collection in (names.TRANSACTIONS, names.HOLDS, names.OUTBOX):
            owners.update(await self._without_wallet(collection))
        return sorted(owners)

    async def _without_wallet(self, collection: str) -> list[str]:
        """The server walks an index of users and looks each one's wallet up."""
        stages: list[Doc] = [
            {"$group": {"_id": {"bucket": "$bucket", "user_id": "$user_id"}}},
            {
                "$lookup": {
                    "from": names.WALLETS,
                    "localField": "_id.user_id",
                    "foreignField": "_id",
                    "pipeline": [{"$project": {"_id": 1}}],
                    "as": "wallet",
                }
            },
            {"$match": {"wallet": []}},
        ]
        with self._database.bounded(LONG_SECONDS):
            found = await self._database.collection(collection).aggregate(stages, allowDiskUse=True)
            return [owner["_id"]["user_id"] async for owner in found]
