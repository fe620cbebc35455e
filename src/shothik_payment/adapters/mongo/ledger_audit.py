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
ENTRIES_AT_ONCE = 2_000
"""Of an index, in one step of the search for what has no wallet: so many, and the rest of the last
one's bucket."""

# Of rows and events they have the user, so the documents are not read.
_INDEXES_OF_USERS = {names.TRANSACTIONS: "number", names.HOLDS: "bucket", names.OUTBOX: "sequence"}


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
        for collection, index in _INDEXES_OF_USERS.items():
            owners.update(await self._without_wallet(collection, index))
        return sorted(owners)

    async def _without_wallet(self, collection: str, index: str) -> set[str]:
        """Goes from bucket to bucket along an index, so that each step is short however long the
        ledger is: it has a deadline of its own."""
        found: set[str] = set()
        after: str | None = ""
        while after is not None:
            with self._database.bounded(LONG_SECONDS):
                through = await self._page_end(collection, index, after)
                page = {"bucket": {"$gt": after, **({"$lte": through} if through else {})}}
                owners = await self._owners(collection, index, page)
                for start in range(0, len(owners), USERS_AT_ONCE):
                    found.update(await self._unknown(owners[start : start + USERS_AT_ONCE]))
            after = through
        return found

    async def _page_end(self, collection: str, index: str, after: str) -> str | None:
        """The bucket with which so many entries are passed. None: there are fewer."""
        cursor = self._database.collection(collection).find(
            {"bucket": {"$gt": after}}, {"_id": 0, "bucket": 1}, hint=index
        )
        last = await cursor.sort("bucket", 1).skip(ENTRIES_AT_ONCE).limit(1).to_list()
        return last[0]["bucket"] if last else None

    async def _owners(self, collection: str, index: str, page: Doc) -> list[str]:
        stages: list[Doc] = [{"$match": page}, {"$group": {"_id": "$user_id"}}]
        found = await self._database.collection(collection).aggregate(stages, hint=index)
        return [owner["_id"] async for owner in found]

    async def _unknown(self, owners: list[str]) -> set[str]:
        """Which of them have no wallet. Looked for after what they own, which is stored with it."""
        which = {
            "bucket": rows.among({bucket_of(owner) for owner in owners}),
            "_id": rows.among(owners),
        }
        wallets = self._database.collection(names.WALLETS).find(which, {"_id": 1}, hint=rows.BY_ID)
        return set(owners) - {wallet["_id"] async for wallet in wallets}
