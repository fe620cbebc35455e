from __future__ import annotations

from collections.abc import Sequence

from shothik_payment.adapters.mongo.commit import Committing
from shothik_payment.adapters.mongo.database import MongoDatabase
from shothik_payment.adapters.mongo.load import load
from shothik_payment.adapters.mongo.order import CommitOrder
from shothik_payment.domain.ports.ledger_store import ChangeSet, Needs, Snapshot, Stored


class MongoLedgerStore:
    """One for each process: the order of its commits is its own."""

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database
        self._order = CommitOrder()
        self._committing = Committing(database, self._order)

    async def load(self, needs: Sequence[Needs]) -> list[Snapshot]:
        return await load(self._database, needs, self._order)

    async def commit(self, changes: Sequence[ChangeSet]) -> list[Stored]:
        return await self._committing.commit(changes)
