"""Reading what a batch needs of its users.

One aggregation brings wallets, request keys and whatever was asked by id; a second follows only
where those speak of something else. Its parts are read one after the other, the wallets first, and
that is enough for whole users: what is newer than its wallet can only be something that is *done*
(a finished request, an ended hold, a row given back), and is told as such; whatever is still to be
changed is changed against the older wallet's version, so its commit fails and it is read again. The
other way round would be wrong: a wallet without the credits that a request has spent, and no trace
of that request. A snapshot would cost a sharded cluster its freshness: what `mongos` takes for now
can be before a commit that another `mongos` has acknowledged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from shothik_payment.adapters import codec
from shothik_payment.adapters.mongo import names, rows
from shothik_payment.adapters.mongo.database import MongoDatabase
from shothik_payment.adapters.mongo.order import CommitOrder
from shothik_payment.adapters.mongo.rows import Doc
from shothik_payment.domain.model.identifiers import bucket_of
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.ports.ledger_store import Needs, Snapshot

# All that was asked in the first answer.
_BATCH = 10_000
_FROM = "from"


class Loading:
    """What was found so far for one batch of needs."""

    def __init__(self, needs: Sequence[Needs], order: CommitOrder) -> None:
        self._order = order
        self._buckets = rows.among({bucket_of(need.user_id) for need in needs})
        self.snapshots = {need.user_id: Snapshot(Wallet(need.user_id)) for need in needs}
        self._keys = {
            codec.request_digest(need.user_id, key): (need.user_id, key)
            for need in needs
            for key in need.request_keys
        }
        self._rows = {i: need.user_id for need in needs for i in need.transaction_ids}
        self._holds = {i: need.user_id for need in needs for i in need.hold_ids}
        self._payments = {i: need.user_id for need in needs for i in need.payment_ids}
        self._done: dict[str, tuple[str, str]] = {}
        self._more_holds: dict[str, str] = {}
        self._more_payments: dict[str, str] = {}

    def first(self) -> list[Doc]:
        """The aggregation over the wallets."""
        stages = [self._match("_id", self.snapshots)]
        if self._keys:
            stages.append(self._union(names.REQUEST_KEYS, "_id", self._keys))
        if self._rows:
            stages.append(self._union(names.TRANSACTIONS, "_id", self._rows))
            total = {"$group": {"_id": "$reverses", "total": {"$max": "$reversed_total"}}}
            stages.append(self._union(names.TRANSACTIONS, "reverses", self._rows, total))
        if self._holds:
            stages.append(self._union(names.HOLDS, "_id", self._holds))
        if self._payments:
            stages.append(self._union(names.PAYMENTS, "_id", self._payments))
        return stages

    def second(self) -> list[Doc] | None:
        """The aggregation over the transactions; None where nothing is left to be read."""
        touched = {
            part.grant_id
            for snapshot in self.snapshots.values()
            for row in snapshot.transactions.values()
            for part in row.parts
        }
        if not (touched or self._done or self._more_holds or self._more_payments):
            return None
        stages = [self._match("_id", self._done), {"$set": {_FROM: names.TRANSACTIONS}}]
        if touched:
            stages.append(self._union(names.GRANTS, "_id", touched))
        if self._more_holds:
            stages.append(self._union(names.HOLDS, "_id", self._more_holds))
        if self._more_payments:
            stages.append(self._union(names.PAYMENTS, "_id", self._more_payments))
        return stages

    def _match(self, field: str, values: Iterable[Any]) -> Doc:
        return {"$match": {field: rows.among(values), "bucket": self._buckets}}

    def _union(self, collection: str, field: str, values: Iterable[Any], *then: Doc) -> Doc:
        source = f"{collection} {field}" if then else collection
        pipeline = [self._match(field, values), *then, {"$set": {_FROM: source}}]
        return {"$unionWith": {"coll": collection, "pipeline": pipeline}}

    def add(self, found: Doc) -> None:
        match found.pop(_FROM, names.WALLETS):
            case names.WALLETS:
                self._order.saw(found["order"])
                self.snapshots[found["_id"]].wallet = rows.to_wallet(found)
            case names.REQUEST_KEYS:
                self._add_key(found)
            case names.TRANSACTIONS:
                self._add_row(found)
            case names.GRANTS:
                grant = rows.to_grant(found)
                self.snapshots[grant.user_id].grants[grant.id] = grant
            case names.HOLDS:
                hold = rows.to_hold(found)
                if hold.user_id in (self._holds.get(hold.id), self._more_holds.get(hold.id)):
                    self.snapshots[hold.user_id].holds[hold.id] = hold
            case names.PAYMENTS:
                payment = rows.to_payment(found)
                owners = (self._payments.get(payment.id), self._more_payments.get(payment.id))
                if payment.user_id in owners:
                    self.snapshots[payment.user_id].payments[payment.id] = payment
            case _:
                self._add_total(found)

    def _add_key(self, found: Doc) -> None:
        user, key = self._keys[found["_id"]]
        if "subject_id" in found:
            self.snapshots[user].done[key] = rows.to_record(found)
            self._more_payments[found["subject_id"]] = user
            return
        self._done[found["transaction_id"]] = (user, key)
        if "hold_id" in found:
            self._more_holds[found["hold_id"]] = user
        if "payment_id" in found:
            self._more_payments[found["payment_id"]] = user

    def _add_row(self, found: Doc) -> None:
        row = rows.to_transaction(found)
        if row.id in self._done:
            user, key = self._done[row.id]
            row.request_key = key
            self.snapshots[user].done[key] = row
        elif self._rows.get(row.id) == row.user_id:
            self.snapshots[row.user_id].transactions[row.id] = row

    def _add_total(self, found: Doc) -> None:
        user = self._rows[found["_id"]]
        self.snapshots[user].reversed_totals[found["_id"]] = int(found["total"])


async def load(
    database: MongoDatabase, needs: Sequence[Needs], order: CommitOrder
) -> list[Snapshot]:
    if not needs:
        return []
    loading = Loading(needs, order)
    with database.bounded():
        for found in await _all(database, names.WALLETS, loading.first()):
            loading.add(found)
        more = loading.second()
        if more is not None:
            for found in await _all(database, names.TRANSACTIONS, more):
                loading.add(found)
    return list(loading.snapshots.values())


async def _all(database: MongoDatabase, collection: str, stages: list[Doc]) -> list[Doc]:
    cursor = await database.collection(collection).aggregate(
        stages, batchSize=_BATCH, hint=rows.BY_ID
    )
    return await cursor.to_list()
