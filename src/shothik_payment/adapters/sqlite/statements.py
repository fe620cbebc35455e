"""Many rows in one statement.

Python gives the interpreter lock away for every step of a statement and has to win it back after,
against a busy event loop. So rows go in by the dozen, and a batch's wallets come out as one row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

Row = tuple[Any, ...]

ROWS_AT_ONCE = 32
VALUES_AT_ONCE = 256


class ManyRows:
    """A statement over `VALUES (…), (…)`; `{values}` in it marks the place."""

    def __init__(self, statement: str, columns: int) -> None:
        row = f"({', '.join('?' * columns)})"
        self._statements = [
            statement.format(values=", ".join([row] * (n + 1))) for n in range(ROWS_AT_ONCE)
        ]

    def run(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> int:
        """How many rows were written."""
        written = 0
        for start in range(0, len(rows), ROWS_AT_ONCE):
            part = rows[start : start + ROWS_AT_ONCE]
            values = tuple(chain.from_iterable(part))
            written += connection.execute(self._statements[len(part) - 1], values).rowcount
        return written


def insert(table: str, columns: Sequence[str], then: str = "") -> ManyRows:
    return ManyRows(f"INSERT INTO {table} ({', '.join(columns)}) VALUES {{values}} {then}",  # noqa: S608
                    len(columns))  # fmt: skip


def padded(values: Sequence[Any], size: int) -> list[Any]:
    """Filled up with NULL, which equals nothing."""
    return [*values, *(None for _ in range(size - len(values)))]


def power_of_two(count: int) -> int:
    """At least `count`: with few sizes of IN lists, few statements have to be prepared."""
    return 1 << max(count - 1, 0).bit_length()


@lru_cache(maxsize=256)
def _in_list(statement: str, size: int) -> str:
    return statement.format(values=", ".join("?" * size))


def select_in(
    connection: sqlite3.Connection, statement: str, values: Sequence[Any]
) -> Iterator[Any]:
    """The rows of a `SELECT … WHERE … IN ({values})`, in no order."""
    for start in range(0, len(values), VALUES_AT_ONCE):
        part = values[start : start + VALUES_AT_ONCE]
        size = power_of_two(len(part))
        yield from connection.execute(_in_list(statement, size), padded(part, size)).fetchall()
