from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from shothik_payment.adapters import codec
from shothik_payment.adapters.sqlite import rows
from shothik_payment.adapters.sqlite.database import SqliteDatabase
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.event_log import RecordedEvent

_COLUMNS = f"position, {', '.join(rows.EVENT_COLUMNS)}"
_Told = tuple[int, str, str, int, str, str, str, Millis, str]
_decode = msgspec.json.Decoder(list[_Told]).decode


def _events(
    connection: sqlite3.Connection, rest: str, values: Sequence[Any]
) -> list[RecordedEvent]:
    """One row with all the events in it: a step for each would wait for the interpreter lock."""
    (told,) = connection.execute(
        f"SELECT json_group_array(json_array({_COLUMNS}))"  # noqa: S608
        f" FROM (SELECT {_COLUMNS} FROM outbox {rest})",
        values,
    ).fetchone()
    return [RecordedEvent(*event[:-1], event[-1].encode()) for event in _decode(told)]


class SqliteEventLog:
    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def read(
        self, after: int, limit: int, user_id: str | None = None, types: Sequence[str] = ()
    ) -> list[RecordedEvent]:
        conditions, values = ["position > ?"], list[Any]([after])
        order = "position"
        if user_id is not None:
            conditions.append("user_id = ?")
            values.append(user_id)
            order = "sequence"  # the same for one user, and the order of the user's index
        if types:
            conditions.append(f"type IN ({', '.join('?' * len(types))})")
            values.extend(types)
        rest = f"WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT ?"
        return await self._database.read(lambda c: _events(c, rest, [*values, limit]))

    async def unpublished(self, limit: int) -> list[RecordedEvent]:
        rest = "WHERE published_at IS NULL ORDER BY position LIMIT ?"
        return await self._database.read(lambda c: _events(c, rest, [limit]))

    async def mark_published(self, positions: Sequence[int], at: Millis) -> None:
        values = (at, codec.encode(list(positions)).decode())
        await self._database.write(
            lambda c: c.execute(
                "UPDATE outbox SET published_at = ? WHERE published_at IS NULL"
                " AND position IN (SELECT value FROM json_each(?))",
                values,
            )
        )
