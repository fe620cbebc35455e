from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from shothik_payment.adapters.sqlite.database import SqliteDatabase
from shothik_payment.domain.model.time import Millis

ROWS_AT_ONCE = 1_000

# No index has the times, since every commit would have to keep it. The outbox is read from its old
# end on instead, some rows at a time, until some of them are young. A user's first event that is
# young or not published holds back what follows it: clocks differ, so that can be old.
_OLD = """
    WITH old AS MATERIALIZED (
        SELECT position, user_id, at, published_at FROM outbox
        WHERE position > :after ORDER BY position LIMIT :rows
    ), span AS (
        SELECT max(position) AS last FROM old
    ), held AS MATERIALIZED (
        SELECT user_id, min(position) AS first FROM (
            SELECT user_id, position FROM outbox
            WHERE published_at IS NULL AND unwanted_at IS NULL
                AND position <= (SELECT last FROM span)
            UNION ALL
            SELECT user_id, position FROM outbox
            WHERE published_at IS NULL AND unwanted_at IS NOT NULL
                AND position <= (SELECT last FROM span)
            UNION ALL
            SELECT user_id, position FROM old WHERE at >= :before
        ) GROUP BY user_id
    )
    SELECT (SELECT last FROM span),
        (SELECT count(*) FROM old WHERE at < :before),
        (SELECT json_group_array(position) FROM (
            SELECT position FROM old
            WHERE NOT EXISTS (
                SELECT 1 FROM held
                WHERE held.user_id = old.user_id AND held.first <= old.position
            ) ORDER BY position LIMIT :limit
        ))
"""
_REMEMBER = """
    INSERT INTO pruned (user_id, sequence)
    SELECT user_id, max(sequence) FROM outbox
    WHERE position IN (SELECT value FROM json_each(?)) GROUP BY user_id
    ON CONFLICT DO UPDATE SET sequence = max(sequence, excluded.sequence)
"""
_DELETE = "DELETE FROM outbox WHERE position IN (SELECT value FROM json_each(?))"
_DELETE_REQUESTS = """
    DELETE FROM requests WHERE request_key IN (
        SELECT request_key FROM requests WHERE at < ? ORDER BY at LIMIT ?
    )
"""


@dataclass(frozen=True, slots=True)
class _Old:
    """Some of the outbox: where it ends, whether it was full of old events, and the positions of
    those to be deleted as JSON."""

    last: int
    more: bool
    positions: str


class SqlitePruning:
    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def prune_events(self, before: Millis, limit: int) -> int:
        pruned, after, more = 0, 0, True
        while more and pruned < limit:
            old = await self._old(after, before, limit - pruned)
            # Nothing below the end can be added, and what is published stays so: what was found
            # is still to be deleted, unless somebody else has.
            if old.positions != "[]":
                pruned += await self._database.write(lambda c, old=old: _delete(c, old.positions))  # type: ignore[misc]
            after, more = old.last, old.more
        return pruned

    async def _old(self, after: int, before: Millis, limit: int) -> _Old:
        asked = {"after": after, "before": before, "rows": ROWS_AT_ONCE, "limit": limit}
        last, count, positions = await self._database.read(
            lambda c: c.execute(_OLD, asked).fetchone()
        )
        return _Old(last or 0, count == ROWS_AT_ONCE, positions)

    async def prune_requests(self, before: Millis, limit: int) -> int:
        return await self._database.write(
            lambda c: c.execute(_DELETE_REQUESTS, (before, limit)).rowcount
        )


def _delete(connection: sqlite3.Connection, positions: str) -> int:
    connection.execute(_REMEMBER, (positions,))
    return connection.execute(_DELETE, (positions,)).rowcount
