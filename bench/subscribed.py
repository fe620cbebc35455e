"""Subscribers whose periods end when the bench wants them to."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from bench.seed import USERS_A_COMMIT, mark_published
from shothik_payment.adapters.sqlite.database import SqliteDatabase
from shothik_payment.adapters.sqlite.ledger_store import SqliteLedgerStore
from shothik_payment.adapters.system.ids import SystemIds
from shothik_payment.domain.ledger.rules import Rules
from shothik_payment.domain.model.time import Millis
from shothik_payment.entrypoints.catalog_file import load_catalog
from tests.e2e.service import Service
from tests.support.paid_period import ON_FILE, method_of, subscriber

PLAN = "bench"
_CATALOG = f"""
[plans.{PLAN}]
prices = {{ USD = 1500 }}
credits = 1000000
rollover = 500

[plans.{PLAN}.limits]
paraphrase = {{ count = 1000000 }}
slide = {{ count = 50 }}
research = {{ credits = 500 }}
"""


def write_catalog(folder: Path) -> Path:
    """The shipped catalog with a plan that has limits, for CATALOG_FILE."""
    path = folder / "catalog.toml"
    shipped = files("shothik_payment").joinpath("catalog.toml").read_text(encoding="utf-8")
    path.write_text(shipped + _CATALOG, encoding="utf-8")
    return path


def subscribe(service: Service, catalog: Path, users: str, ends: Sequence[Millis]) -> None:
    """`{users}_0` and on, each with a period that was paid and ends at its time, and a method on
    file at the sandbox. Their events are marked as published."""
    rules = Rules(("paraphrase_service",), billing=load_catalog(catalog).billing)
    asyncio.run(_store(service.database, rules, users, ends))


async def _store(path: Path, rules: Rules, users: str, ends: Sequence[Millis]) -> None:
    database = SqliteDatabase(path)
    await database.open()
    store = SqliteLedgerStore(database)
    ids = SystemIds()
    try:
        for first in range(0, len(ends), USERS_A_COMMIT):
            batch = ends[first : first + USERS_A_COMMIT]
            names = [f"{users}_{first + i}" for i in range(len(batch))]
            changes = [
                subscriber(name, PLAN, end, rules, ids)
                for name, end in zip(names, batch, strict=True)
            ]
            if not all(await store.commit(changes)):
                raise RuntimeError("somebody has subscribed already")

            def put_on_file(connection: sqlite3.Connection, names: list[str] = names) -> None:
                connection.executemany(
                    "INSERT INTO documents (kind, id, body) VALUES ('sandbox', ?, ?)",
                    [(method_of(name), ON_FILE) for name in names],
                )
                mark_published(connection)

            await database.write(put_on_file)
    finally:
        await database.close()
