"""A past: many wallets with many ledger rows, booked by the ledger's own code."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from shothik_payment.adapters.sqlite.database import SqliteDatabase
from shothik_payment.adapters.sqlite.ledger_store import SqliteLedgerStore
from shothik_payment.adapters.system.ids import SystemIds
from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.commands import Command, Deduct, GrantCredits, RequestBinding
from shothik_payment.domain.ledger.machine import apply
from shothik_payment.domain.ledger.rules import Rules
from shothik_payment.domain.model.grant import GrantSource
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.ports.ledger_store import ChangeSet, Snapshot
from tests.e2e.service import Service

USERS_A_COMMIT = 500


def seed_history(service: Service, wallets: int, rows: int, credits: int, console: Console) -> None:
    """Give every wallet a grant and deductions, `rows` in all, and mark their events published."""
    started = time.monotonic()
    asyncio.run(_book(service.database, wallets, rows // wallets, credits, console))
    size = service.database.stat().st_size / 2**30
    took = time.monotonic() - started
    console.print(f"{wallets:,} wallets with {rows:,} rows: {size:.1f} GiB in {took:.0f} s")


async def _book(path: Path, wallets: int, rows: int, credits: int, console: Console) -> None:
    database = SqliteDatabase(path)
    await database.open()
    store = SqliteLedgerStore(database)
    ids = SystemIds()
    try:
        with Progress(console=console) as progress:
            task = progress.add_task("wallets", total=wallets)
            for first in range(0, wallets, USERS_A_COMMIT):
                last = min(first + USERS_A_COMMIT, wallets)
                changes = [_past(f"bench_{n}", rows, credits, ids) for n in range(first, last)]
                await store.commit(changes)
                await database.write(mark_published)
                progress.advance(task, last - first)
    finally:
        await database.close()


def mark_published(connection: sqlite3.Connection) -> None:
    """The past is past: or else the relay would be busy with it while the present is measured."""
    connection.execute("UPDATE outbox SET published_at = at WHERE published_at IS NULL")


def _past(user_id: str, rows: int, credits: int, ids: SystemIds) -> ChangeSet:
    account = Account(Snapshot(Wallet(user_id)))
    rules = Rules(active_services=("paraphrase_service",))
    at = Millis(int(time.time() * 1000))
    commands: list[Command] = [
        GrantCredits(
            id=ids.next(), user_id=user_id, at=at, amount=credits, source=GrantSource.PURCHASE
        )
    ]
    for number in range(rows - 1):
        key = f"past-{number}"
        commands.append(
            Deduct(
                id=ids.next(),
                user_id=user_id,
                at=at,
                request=RequestBinding(f"paraphrase_service POST /deduct {key}", key, b"\0" * 16),
                amount=1,
                service="paraphrase_service",
                feature="text_paraphrase",
            )
        )
    for command in commands:
        apply(account, command, rules)
    change = account.change_set()
    if change is None:
        raise RuntimeError("a past without changes")
    return change
