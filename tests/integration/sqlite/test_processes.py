from __future__ import annotations

import asyncio
import os
import sqlite3
from pathlib import Path
from threading import Event

import pytest

from shothik_payment.adapters.sqlite.database import SqliteDatabase
from shothik_payment.adapters.sqlite.ledger_store import SqliteLedgerStore
from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.use_cases.verify import Verify
from tests.contracts.bindings import opened, sqlite_ports
from tests.contracts.book import Book, deducting, granting
from tests.integration.sqlite.child import USERS
from tests.integration.sqlite.conftest import Start


async def assert_consistent(database: SqliteDatabase) -> None:
    async for progress in Verify(sqlite_ports(database).audit).run():
        assert progress.differences == []


async def test_of_two_processes_one_wins_each_version(tmp_path: Path, start: Start) -> None:
    path = tmp_path / "store.db"
    async with opened(path) as database:
        await Book(SqliteLedgerStore(database)).do(granting("u1", 1000))
        racers = [start("race", path) for _ in range(2)]
        for racer in racers:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()
        won = [int(line) for racer in racers for line in racer.communicate(timeout=60)[0].split()]
        assert {racer.returncode for racer in racers} == {0}
        wallet = await sqlite_ports(database).wallets.get("u1")
        assert sorted(won) == list(range(2, wallet.version + 1))
        assert wallet.available == 1000 - len(won)
        await assert_consistent(database)


async def test_a_killed_process_leaves_a_consistent_file(tmp_path: Path, start: Start) -> None:
    path = tmp_path / "store.db"
    async with opened(path) as database:
        book = Book(SqliteLedgerStore(database))
        for user in USERS:
            await book.do(granting(user, 100_000))
    for answered in (7, 23, 40):
        writer = start("spend_for_ever", path)
        assert writer.stdout is not None
        rows = 0
        for _ in range(answered):
            rows = int(writer.stdout.readline())
        writer.kill()
        writer.wait()
        async with opened(path) as database:
            wallets = [await sqlite_ports(database).wallets.get(user) for user in USERS]
            (stored,) = {wallet.rows for wallet in wallets}
            assert stored >= rows
            await assert_consistent(database)


async def test_readers_see_nothing_of_a_write_under_way(tmp_path: Path) -> None:
    written, look_taken = Event(), Event()

    def slow_write(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM wallets")
        connection.execute("DELETE FROM transactions")
        written.set()
        assert look_taken.wait(10)

    async with opened(tmp_path / "store.db") as database:
        ports = sqlite_ports(database)
        await Book(ports.ledger).do(granting("u1", 5))
        writing = asyncio.create_task(database.write(slow_write))
        assert await asyncio.to_thread(written.wait, 10)
        assert (await ports.wallets.get("u1")).available == 5
        assert len(await ports.wallets.history("u1", None, 5)) == 1
        look_taken.set()
        await writing
        assert (await ports.wallets.get("u1")).available == 0


async def test_a_locked_file_is_unavailable_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    database = SqliteDatabase(path, busy_timeout_seconds=0.1)
    await database.open()
    book = Book(SqliteLedgerStore(database))
    await book.do(granting("u1", 5))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    change = await book.change(deducting("u1", 1))
    with pytest.raises(Unavailable, match="Another process keeps the data store locked"):
        await book.store.commit([change])
    assert (await sqlite_ports(database).wallets.get("u1")).available == 5
    other.execute("ROLLBACK")
    other.close()
    assert await book.store.commit([change]) == [True]
    await database.close()


async def test_the_last_to_close_leaves_one_file(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with opened(path) as database:
        async with opened(path) as other:
            await Book(SqliteLedgerStore(other)).do(granting("u1"))
        assert (await sqlite_ports(database).wallets.get("u1")).available == 100
    assert os.listdir(tmp_path) == ["store.db"]


async def test_the_log_is_copied_back_while_it_is_in_use(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with opened(path) as database:
        book = Book(SqliteLedgerStore(database))
        await book.do(granting("u1", 1_000_000))
        before = path.stat().st_size
        async with asyncio.timeout(60):
            while path.stat().st_size < before + 1_000_000:
                await book.do(*(deducting("u1") for _ in range(200)))
        await assert_consistent(database)


async def test_before_opening_and_after_closing_it_is_unavailable(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "store.db")
    with pytest.raises(Unavailable, match="not open"):
        await sqlite_ports(database).wallets.get("u1")
    await database.open()
    await database.close()
    with pytest.raises(Unavailable, match="not open"):
        await sqlite_ports(database).health.ping()
