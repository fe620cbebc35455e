"""Subscribers whose periods end when the bench wants them to, booked by the ledger's own code."""

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
from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.commands import SettlePayment
from shothik_payment.domain.ledger.machine import apply
from shothik_payment.domain.ledger.rules import Rules
from shothik_payment.domain.ledger.subscription_commands import ExtendPeriod, Subscribe
from shothik_payment.domain.model.subscription import Subscription
from shothik_payment.domain.model.time import DAY, Millis
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.ports.ledger_store import ChangeSet, Snapshot
from shothik_payment.entrypoints.catalog_file import load_catalog
from tests.e2e.service import Service

PLAN = "bench"
_LONGEST_MONTH = 31 * DAY
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
                _subscriber(name, end, rules, ids) for name, end in zip(names, batch, strict=True)
            ]
            if not all(await store.commit(changes)):
                raise RuntimeError("somebody has subscribed already")

            def put_on_file(connection: sqlite3.Connection, names: list[str] = names) -> None:
                connection.executemany(
                    "INSERT INTO documents (kind, id, body) VALUES ('sandbox', ?, ?)",
                    [(f"method {name}", b"on file") for name in names],
                )
                mark_published(connection)

            await database.write(put_on_file)
    finally:
        await database.close()


def _subscriber(user_id: str, end: Millis, rules: Rules, ids: SystemIds) -> ChangeSet:
    account = Account(Snapshot(Wallet(user_id)))
    # A month before may be a day that there is not: the period is made as long as it has to be.
    at = Millis(end - _LONGEST_MONTH)
    asked = apply(
        account,
        Subscribe(
            id=ids.next(),
            user_id=user_id,
            at=at,
            gateway="sandbox",
            currency="USD",
            saved_method=True,
            plan=PLAN,
        ),
        rules,
    )
    if asked.payment is None:
        raise RuntimeError(f"nothing to pay: {asked.refusal}")
    apply(
        account,
        SettlePayment(
            id=ids.next(),
            user_id=user_id,
            at=at,
            payment_id=asked.payment.id,
            paid=asked.payment.price,
            reference=f"seeded {user_id}",
        ),
        rules,
    )
    days = (end - _of(account).period_end) // DAY
    if days:
        longer = ExtendPeriod(id=ids.next(), user_id=user_id, at=at, days=days, reason="bench")
        apply(account, longer, rules)
    if _of(account).next_step_at != end:
        raise RuntimeError(f"the period of {user_id} ends at another time")
    change = account.change_set()
    if change is None:
        raise RuntimeError("a subscription without changes")
    return change


def _of(account: Account) -> Subscription:
    if account.wallet.subscription is None:
        raise RuntimeError("no subscription came about")
    return account.wallet.subscription
