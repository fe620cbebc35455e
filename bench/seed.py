"""A past: many wallets with many ledger rows, booked by the ledger's own code."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
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
ROWS_A_COMMIT = 5_000


def seed_history(service: Service, wallets: int, rows: int, credits: int, console: Console) -> None:
    """Give every wallet a grant and deductions, `rows` in all, and mark their events published."""
    started = time.monotonic()
    asyncio.run(_book(service.database, wallets, rows // wallets, credits, console))
    size = service.database.stat().st_size / 2**30
    took = time.monotonic() - started
    console.print(f"{wallets:,} wallets with {rows:,} rows: {size:.1f} GiB in {took:.0f} s")


def seed_user(service: Service, user_id: str, rows: int, console: Console) -> None:
    """Give one more user so many rows, in commits as large as those of many users."""
    started = time.monotonic()
    asyncio.run(_book_user(service.database, user_id, rows))
    console.print(f"{user_id} with {rows:,} rows in {time.monotonic() - started:.0f} s")


async def _book_user(path: Path, user_id: str, rows: int) -> None:
    database = SqliteDatabase(path)
    await database.open()
    store, wallet, ids = SqliteLedgerStore(database), Wallet(user_id), SystemIds()
    try:
        for first in range(0, rows, ROWS_A_COMMIT):
            account = Account(Snapshot(wallet))
            numbers = range(first, min(first + ROWS_A_COMMIT, rows))
            await store.commit([_booked(account, _commands(user_id, numbers, rows, ids))])
            wallet = account.wallet
            await database.write(mark_published)
    finally:
        await database.close()


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
    return _booked(account, _commands(user_id, range(rows), credits, ids))


def _commands(user_id: str, numbers: range, credits: int, ids: SystemIds) -> Iterator[Command]:
    """The first of all gives `credits`, the others take one each."""
    at = Millis(int(time.time() * 1000))
    for number in numbers:
        if number == 0:
            yield GrantCredits(
                id=ids.next(), user_id=user_id, at=at, amount=credits, source=GrantSource.PURCHASE
            )
            continue
        key = f"past-{number}"
        yield Deduct(
            id=ids.next(),
            user_id=user_id,
            at=at,
            request=RequestBinding(f"paraphrase_service POST /deduct {key}", key, b"\0" * 16),
            amount=1,
            service="paraphrase_service",
            feature="text_paraphrase",
        )


def _booked(account: Account, commands: Iterator[Command]) -> ChangeSet:
    rules = Rules(active_services=("paraphrase_service",))
    for command in commands:
        apply(account, command, rules)
    change = account.change_set()
    if change is None:
        raise RuntimeError("a past without changes")
    return change
