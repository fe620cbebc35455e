from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec

from shothik_payment.adapters import codec
from shothik_payment.adapters.sqlite import rows
from shothik_payment.adapters.sqlite.database import SqliteDatabase
from shothik_payment.domain.errors import InvalidRequest
from shothik_payment.domain.events import CreditDeducted
from shothik_payment.domain.model.time import SECOND, Millis
from shothik_payment.domain.ports.event_log import PARTITIONS, START, Backlog, RecordedEvent

_COLUMNS = f"position, {', '.join(rows.EVENT_COLUMNS)}"
_Told = tuple[int, str, str, int, str, str, str, Millis, str]
_decode = msgspec.json.Decoder(list[_Told]).decode

_SELECT = f"SELECT {_COLUMNS} FROM outbox"  # noqa: S608
_MAX_DIGITS = 18
_NEWEST = 2**63 - 1
_UNPUBLISHED = "published_at IS NULL AND unwanted_at IS NULL"
_UNWANTED = "published_at IS NULL AND unwanted_at IS NOT NULL"
_IN_LIST = "IN (SELECT value FROM json_each(?))"
_PARTITION = f"substr(id, {len('evt_') + 1}, 1) {_IN_LIST}"
"""The first digit of the bucket, which every event's id shows."""

_BACKLOG = f"""
    SELECT (SELECT count(*) FROM outbox WHERE {_UNPUBLISHED}),
        (SELECT at FROM outbox WHERE {_UNPUBLISHED} ORDER BY position LIMIT 1),
        (SELECT count(*) FROM outbox WHERE {_UNWANTED})
"""  # noqa: S608
# Both in one would be a scan: only a lone min or max is looked up.
_ENDS = """
    SELECT ifnull((SELECT min(position) FROM outbox), 0),
        ifnull((SELECT max(position) FROM outbox), -1) + 1
"""
_NEXT_TIME = "SELECT position, at FROM outbox WHERE position >= ? ORDER BY position LIMIT 1"
_ASTRAY_MS = 10 * SECOND
_MARK_PUBLISHED = (
    f"UPDATE outbox SET published_at = ? WHERE published_at IS NULL AND position {_IN_LIST}"  # noqa: S608
)
_MARK_UNWANTED = f"UPDATE outbox SET unwanted_at = ? WHERE {_UNPUBLISHED} AND position {_IN_LIST}"  # noqa: S608


_RARE = f"type <> '{CreditDeducted.type}'"
"""What the indexes of the other types are about; a statement has to say it to use them."""
_OF_USER = "INDEXED BY outbox_rare_of_user"


def _events(
    connection: sqlite3.Connection, select: str, values: Sequence[Any]
) -> list[RecordedEvent]:
    """One row with all the events in it: a step for each would wait for the interpreter lock."""
    (told,) = connection.execute(
        f"SELECT json_group_array(json_array({_COLUMNS})) FROM ({select})",  # noqa: S608
        values,
    ).fetchone()
    return [
        RecordedEvent(str(event[0]), *event[1:-1], event[-1].encode()) for event in _decode(told)
    ]


def _place(connection: sqlite3.Connection, at: int) -> int:
    """The first position whose event has this time or a later one. By halving: times rise with
    positions, but for what clocks and waiting commands put astray."""
    low, high = connection.execute(_ENDS).fetchone()
    while low < high:
        middle = (low + high) // 2
        found = connection.execute(_NEXT_TIME, (middle,)).fetchone()
        if found is None or found[1] >= at:
            high = middle
        else:
            low = found[0] + 1
    return int(low)


def _number(position: str, field: str = "after") -> int:
    if position == START:
        return 0
    if not (position.isascii() and position.isdigit()) or len(position) > _MAX_DIGITS:
        raise InvalidRequest.of(field, "a position that this log has given")
    return int(position)


def _json(values: Iterable[str | int]) -> str:
    return codec.encode(list(values)).decode()


class SqliteEventLog:
    """Positions are row numbers: commits take turns, so they are in the order of commits. Times
    have no index, since every commit would have to keep it: `read` finds a window by reading along,
    `latest` by halving."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def read(
        self,
        after: str,
        limit: int,
        user_id: str | None = None,
        types: Sequence[str] = (),
        since: Millis | None = None,
        until: Millis | None = None,
        *,
        published: bool = False,
    ) -> list[RecordedEvent]:
        conditions, values = ["position > ?"], list[Any]([_number(after)])
        for condition, value in (("at >= ?", since), ("at < ?", until)):
            if value is not None:
                conditions.append(condition)
                values.append(value)
        if published:
            conditions.append("published_at IS NOT NULL")
        return await self._select_of(user_id, types, conditions, values, limit)

    async def latest(
        self,
        limit: int,
        user_id: str | None = None,
        types: Sequence[str] = (),
        before: str = START,
        since: Millis | None = None,
        until: Millis | None = None,
    ) -> list[RecordedEvent]:
        first, end = 0, _NEWEST if before == START else _number(before, "before")
        if since is not None:
            first = await self._database.read(lambda c: _place(c, since - _ASTRAY_MS))
        if until is not None:
            end = min(end, await self._database.read(lambda c: _place(c, until + _ASTRAY_MS)))
        conditions = ["position >= ?", "position < ?", "at >= ?", "at < ?"]
        values = [first, end, since or 0, _NEWEST if until is None else until]
        return await self._select_of(user_id, types, conditions, values, limit, "DESC")

    async def unpublished(
        self, partitions: Collection[int], limit: int, without: Collection[str] = ()
    ) -> list[RecordedEvent]:
        conditions, values = _among(_UNPUBLISHED, partitions)
        if without:
            conditions.append(f"user_id NOT {_IN_LIST}")
            values.append(_json(without))
        return await self._select(conditions, values, "position", limit)

    async def unpublished_of(self, user_id: str, limit: int) -> list[RecordedEvent]:
        # The plus sign keeps the user's index out of it: that has all the published ones too.
        return await self._select([_UNPUBLISHED, "+user_id = ?"], [user_id], "position", limit)

    async def unwanted(
        self, partitions: Collection[int], limit: int, after: str = START
    ) -> list[RecordedEvent]:
        conditions, values = _among(_UNWANTED, partitions)
        return await self._select(
            ["position > ?", *conditions], [_number(after), *values], "position", limit
        )

    async def mark(
        self, published: Sequence[RecordedEvent], unwanted: Sequence[RecordedEvent], at: Millis
    ) -> None:
        told = [(_MARK_PUBLISHED, published), (_MARK_UNWANTED, unwanted)]
        marks = [
            (mark, (at, _json(int(e.position) for e in events))) for mark, events in told if events
        ]

        def work(connection: sqlite3.Connection) -> None:
            for statement, values in marks:
                connection.execute(statement, values)

        if marks:
            await self._database.write(work)

    async def backlog(self) -> Backlog:
        return Backlog(*await self._database.read(lambda c: c.execute(_BACKLOG).fetchone()))

    async def _select(
        self,
        conditions: Sequence[str],
        values: Sequence[Any],
        order: str,
        limit: int,
        index: str = "",
    ) -> list[RecordedEvent]:
        select = f"{_SELECT} {index} WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT ?"
        return await self._database.read(lambda c: _events(c, select, [*values, limit]))

    async def _select_of(
        self,
        user_id: str | None,
        types: Sequence[str],
        conditions: Sequence[str],
        values: Sequence[Any],
        limit: int,
        direction: str = "ASC",
    ) -> list[RecordedEvent]:
        wanted = sorted(set(types))
        rare = bool(wanted) and CreditDeducted.type not in wanted
        order, index = f"position {direction}", ""
        if user_id is not None:
            # The order of the user's indexes, for one user the same as that of positions.
            conditions, values = [*conditions, "user_id = ?"], [*values, user_id]
            order = f"sequence {direction}"
            if rare:
                conditions, index = [*conditions, _RARE], _OF_USER
        elif rare:
            return await self._select_rare(wanted, conditions, values, order, limit)
        if wanted:
            conditions, values = [*conditions, f"type {_IN_LIST}"], [*values, _json(wanted)]
        return await self._select(conditions, values, order, limit, index)

    async def _select_rare(
        self,
        types: Sequence[str],
        conditions: Sequence[str],
        values: Sequence[Any],
        order: str,
        limit: int,
    ) -> list[RecordedEvent]:
        """One range of the index for each type, merged in the order of positions."""
        one = f"{_SELECT} INDEXED BY outbox_rare WHERE {' AND '.join([*conditions, _RARE])}"
        every = " UNION ALL ".join(f"{one} AND type = ?" for _ in types)
        filled = [value for of_type in types for value in (*values, of_type)]
        select = f"{every} ORDER BY {order} LIMIT ?"
        return await self._database.read(lambda c: _events(c, select, [*filled, limit]))


def _among(condition: str, partitions: Collection[int]) -> tuple[list[str], list[Any]]:
    """The conditions and their values for events of these partitions."""
    if len(set(partitions)) == PARTITIONS:
        return [condition], []
    return [condition, _PARTITION], [_json(f"{partition:x}" for partition in partitions)]
