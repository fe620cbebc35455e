from __future__ import annotations

from shothik_payment.adapters.sqlite.database import SqliteDatabase
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.transaction import TransactionKind
from shothik_payment.domain.ports.statistics import ChargedHour

_CHARGED = """
    SELECT hour, service, kind, credits, row_count FROM charged_hours
    WHERE hour >= ? AND hour < ? ORDER BY hour, service, kind
"""


class SqliteStatistics:
    """A trigger on the ledger's rows adds them up."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def charged(self, since: Millis, until: Millis) -> list[ChargedHour]:
        found = await self._database.read(lambda c: c.execute(_CHARGED, (since, until)).fetchall())
        return [
            ChargedHour(Millis(start), service, TransactionKind(kind), credits, rows)
            for start, service, kind, credits, rows in found
        ]
