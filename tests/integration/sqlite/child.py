"""What the tests run in processes of their own: `python -m tests.integration.sqlite.child`."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from pathlib import Path

from shothik_payment.adapters.sqlite.database import SqliteDatabase
from shothik_payment.adapters.sqlite.ledger_store import SqliteLedgerStore
from shothik_payment.domain.errors import PaymentServiceError
from shothik_payment.domain.ports.ledger_store import Needs
from tests.contracts.bindings import opened
from tests.contracts.book import Book, deducting, granting

NOBODY = 65534
USERS = [f"u{n}" for n in range(20)]


def say(*words: object) -> None:
    print(*words, flush=True)


async def race(path: Path) -> None:
    """Say each version of u1's wallet that this process won, until it is 150."""
    async with opened(path) as database:
        book = Book(SqliteLedgerStore(database))
        say("ready")
        sys.stdin.readline()
        version = 0
        while version < 150:
            change = await book.change(deducting("u1"))
            version = change.wallet.version
            if await book.store.commit([change]) == [True]:
                say(version)


async def spend_for_ever(path: Path) -> None:
    """Say the row numbers of all users after every commit of all of them."""
    async with opened(path) as database:
        book = Book(SqliteLedgerStore(database))
        while True:
            changes = [await book.change(deducting(user)) for user in USERS]
            await book.store.commit(changes)
            say(changes[0].wallet.rows)


async def fill(path: Path) -> None:
    """Spend until files may grow no more, and once again when they may."""
    async with opened(path) as database:
        book = Book(SqliteLedgerStore(database))
        await book.do(granting("u1", 10_000))
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        size = path.with_name(f"{path.name}-wal").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 300_000, hard))
        try:
            while True:
                await book.do(deducting("u1"))
        except PaymentServiceError as error:
            (snapshot,) = await book.store.load([Needs("u1")])
            say(snapshot.wallet.rows, type(error).__name__, error)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        await book.do(deducting("u1"))


async def refuse(path: Path) -> None:
    """Say why the file cannot be used by somebody without rights to it."""
    await asyncio.sleep(0)
    if os.geteuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    try:
        await SqliteDatabase(path).open()
    except PaymentServiceError as error:
        say(type(error).__name__, error)


async def make(path: Path) -> None:
    say("ready")
    sys.stdin.readline()
    async with opened(path) as database:
        await Book(SqliteLedgerStore(database)).do(granting(f"u{os.getpid()}"))


if __name__ == "__main__":
    asyncio.run(globals()[sys.argv[1]](Path(sys.argv[2])))
