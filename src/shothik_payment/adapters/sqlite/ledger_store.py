from __future__ import annotations

from collections.abc import Sequence

from shothik_payment.adapters.sqlite.commit import commit
from shothik_payment.adapters.sqlite.database import SqliteDatabase
from shothik_payment.adapters.sqlite.load import load
from shothik_payment.domain.ports.ledger_store import ChangeSet, Needs, Snapshot


class SqliteLedgerStore:
    """Reads on the writer's connection too: its page cache outlives its own commits, a reader's
    is thrown away by every one of them."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def load(self, needs: Sequence[Needs]) -> list[Snapshot]:
        return await self._database.on_writer(lambda connection: load(connection, needs))

    async def commit(self, changes: Sequence[ChangeSet]) -> list[bool]:
        return await self._database.on_writer(lambda connection: commit(connection, changes))
