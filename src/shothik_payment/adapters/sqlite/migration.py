"""How a file of an older version becomes one of this version: `schema/` has a script for each step.

For whoever reads the file with the `sqlite3` shell: points in time are milliseconds since the
epoch, `datetime(at / 1000, 'unixepoch')` shows them. A JSON column (`state`, `body`) is the truth
about its row, and generated columns show what is in it.

Ids made for a user begin with a kind and three hexadecimal digits of bucket; the rest rises with
time. So ids are indexed without that front: new entries go to the end of the index instead of
all over it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from shothik_payment.domain.errors import StoreCorrupt

_SCHEMA = Path(__file__).with_name("schema")
_VERSION = 7

MIGRATIONS: tuple[str, ...] = tuple(
    (_SCHEMA / f"{version}.sql").read_text(encoding="utf-8") for version in range(1, _VERSION + 1)
)
"""`n.sql` turns a file of version n - 1 (0: empty) into one of version n. Only ever add one."""


def migrate(
    connection: sqlite3.Connection, where: str, migrations: Sequence[str] = MIGRATIONS
) -> None:
    """Bring the file up to date, all of it or nothing; processes that start at once take turns.

    Raises StoreCorrupt for a file that a newer release or another program has made.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(migrations):
            raise StoreCorrupt(
                f"{where} has schema version {version}; this release knows versions up to"
                f" {len(migrations)}. Run a newer release on it."
            )
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if version == 0 and tables:
            raise StoreCorrupt(f"{where} is the database of another program.")
        for step in migrations[version:]:
            for statement in statements(step):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def statements(script: str) -> list[str]:
    """One by one, since `executescript` would commit the transaction that is open. Each begins
    on a line of its own."""
    found, lines = [], list[str]()
    for line in script.splitlines():
        lines.append(line)
        if sqlite3.complete_statement("\n".join(lines)):
            found.append("\n".join(lines))
            lines = []
    return [*found, "\n".join(lines)]
