from __future__ import annotations

import sqlite3
from collections.abc import Collection

from shothik_payment.adapters import codec
from shothik_payment.adapters.sqlite.api_keys import record
from shothik_payment.adapters.sqlite.database import SqliteDatabase
from shothik_payment.domain.model.key_usage import Granularity, LastUse, UsageCount
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.key_usage import UsageBatch

_NUMBER = "SELECT batch FROM usage_recorders WHERE id = ?"
_REMEMBER = """
    INSERT INTO usage_recorders (id, batch, at) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET batch = excluded.batch, at = excluded.at
"""
_COUNT = """
    INSERT INTO key_usage (key_id, hour, endpoint, status, requests) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET requests = requests + excluded.requests
"""
_USE = """
    INSERT INTO key_last_use (key_id, at, address) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET at = excluded.at, address = excluded.address
    WHERE excluded.at >= at
"""
_READ = """
    SELECT hour - hour % :period AS start, endpoint, status, sum(requests) FROM key_usage
    WHERE key_id = :key_id AND hour >= :since AND hour < :until
    GROUP BY start, endpoint, status
"""
_LAST_USED = """
    SELECT key_id, at, address FROM key_last_use
    WHERE key_id IN (SELECT value FROM json_each(?))
"""
_PRUNE = """
    DELETE FROM key_usage WHERE (key_id, hour, endpoint, status) IN (
        SELECT key_id, hour, endpoint, status FROM key_usage WHERE hour < ? ORDER BY hour LIMIT ?
    )
"""
_PRUNE_RECORDERS = "DELETE FROM usage_recorders WHERE at < ?"


class SqliteKeyUsage:
    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def add(self, batch: UsageBatch) -> None:
        await self._database.write(lambda connection: _add(connection, batch))

    async def read(
        self, key_id: str, since: Millis, until: Millis, granularity: Granularity
    ) -> list[UsageCount]:
        asked = {
            "key_id": key_id,
            "since": since,
            "until": until,
            "period": granularity.milliseconds,
        }
        found = await self._database.read(lambda c: c.execute(_READ, asked).fetchall())
        return [UsageCount(*row) for row in found]

    async def last_used(self, key_ids: Collection[str]) -> dict[str, LastUse]:
        asked = codec.encode(list(key_ids)).decode()
        found = await self._database.read(lambda c: c.execute(_LAST_USED, (asked,)).fetchall())
        return {key_id: LastUse(at, address) for key_id, at, address in found}

    async def prune(self, before: Millis, limit: int) -> int:
        def work(connection: sqlite3.Connection) -> int:
            connection.execute(_PRUNE_RECORDERS, (before,))
            return connection.execute(_PRUNE, (before, limit)).rowcount

        return await self._database.write(work)


def _add(connection: sqlite3.Connection, batch: UsageBatch) -> None:
    # Writers take turns, so nobody comes between the look and the change.
    row = connection.execute(_NUMBER, (batch.recorder,)).fetchone()
    if row is not None and row[0] >= batch.number:
        return
    connection.execute(_REMEMBER, (batch.recorder, batch.number, batch.at))
    connection.executemany(_COUNT, ((*slot, count) for slot, count in batch.counts.items()))
    connection.executemany(_USE, ((key_id, *use) for key_id, use in batch.last.items()))
    for entry in batch.refused:
        record(connection, entry)
