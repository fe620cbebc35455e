"""What is charged, added up in the transaction that writes the rows.

Of two open transactions that write one document, one fails. So each hour, service and kind has a
document for each shard; a shard belongs to one process, and to one of its transactions at a time.
Who reads adds the shards up.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence

from bson import Int64
from pymongo.asynchronous.database import AsyncDatabase

from shothik_payment.adapters.mongo import names
from shothik_payment.adapters.mongo.rows import SCHEMA_VERSION, Doc
from shothik_payment.domain.model.time import HOUR
from shothik_payment.domain.model.transaction import CHARGING_KINDS, TransactionKind
from shothik_payment.domain.ports.ledger_store import ChangeSet

CHARGES_SINCE = 4
"""The schema version since which rows are added up when they are written."""
_OLDER = "older"
"""The shard of the rows from before."""
_SHARDS = 4
"""More than there are commits at a time, for a transaction that is left open keeps its shard."""


class Shards:
    def __init__(self) -> None:
        self._free = deque(_new_shard() for _ in range(_SHARDS))

    def take(self) -> str:
        return self._free.popleft() if self._free else _new_shard()

    def give_back(self, shard: str, *, worked: bool) -> None:
        """One that has worked is the next; another may be kept by a transaction that nobody ends
        before its time, so it is the last."""
        if worked:
            self._free.appendleft(shard)
        else:
            self._free.append(shard)


def _new_shard() -> str:
    return os.urandom(8).hex()


def added_up(changes: Sequence[ChangeSet], shard: str) -> Iterator[tuple[Doc, Doc]]:
    """For each document, which it is and what is to be done to it."""
    sums: dict[tuple[int, str, TransactionKind], tuple[int, int]] = {}
    for change in changes:
        for row in change.transactions:
            if row.charges:
                slot = row.at - row.at % HOUR, row.service or "", row.kind
                credits, rows = sums.get(slot, (0, 0))
                sums[slot] = credits + row.amount, rows + 1
    for (hour, service, kind), (credits, rows) in sums.items():
        which = {"_id": f"{hour}/{service}/{kind}/{shard}"}
        made = {
            "schema_version": SCHEMA_VERSION,
            "hour": hour,
            "service": service,
            "kind": kind.value,
        }
        added = {"credits": Int64(credits), "rows": Int64(rows)}
        yield which, {"$inc": added, "$setOnInsert": made}


async def add_up_older_rows(database: AsyncDatabase[Doc]) -> None:
    """The sums that earlier releases have not kept, in a shard of their own: again and at once by
    several is the same, and rows that are written meanwhile are no business of it."""
    slot = {
        "hour": {"$subtract": ["$at", {"$mod": ["$at", Int64(HOUR)]}]},
        "service": {"$ifNull": ["$service", ""]},
        "kind": "$kind",
    }
    parts = [{"$toString": "$_id.hour"}, "/", "$_id.service", "/", "$_id.kind", f"/{_OLDER}"]
    document = {
        "_id": {"$concat": parts},
        "schema_version": {"$literal": SCHEMA_VERSION},
        "hour": {"$toLong": "$_id.hour"},
        "service": "$_id.service",
        "kind": "$_id.kind",
        "credits": {"$toLong": "$credits"},
        "rows": {"$toLong": "$rows"},
    }
    older = {
        "kind": {"$in": [kind.value for kind in CHARGING_KINDS]},
        "schema_version": {"$lt": CHARGES_SINCE},
    }
    await database[names.TRANSACTIONS].aggregate(
        [
            {"$match": older},
            {"$group": {"_id": slot, "credits": {"$sum": "$amount"}, "rows": {"$sum": 1}}},
            {"$project": document},
            {"$merge": {"into": names.CHARGED_HOURS, "on": "_id", "whenMatched": "replace"}},
        ]
    )
