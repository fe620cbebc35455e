from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shothik_payment.adapters.sqlite.database import SqliteDatabase
from shothik_payment.adapters.sqlite.ledger_store import SqliteLedgerStore
from shothik_payment.domain.errors import StoreCorrupt, Unavailable
from tests.contracts.bindings import opened, sqlite_ports
from tests.contracts.book import Book, deducting, granting
from tests.integration.sqlite.conftest import Start
from tests.integration.sqlite.test_processes import assert_consistent


async def filled(path: Path) -> None:
    async with opened(path) as database:
        book = Book(SqliteLedgerStore(database))
        for n in range(200):
            await book.do(granting(f"u{n}"), deducting(f"u{n}", 1))


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """One that everybody may go through, unlike pytest's."""
    directory = Path(tempfile.mkdtemp())
    directory.chmod(0o755)
    yield directory
    directory.chmod(0o755)
    shutil.rmtree(directory)


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"This is a letter, not a database. " * 100)
    with pytest.raises(StoreCorrupt, match=r"store\.db: .*not an SQLite database"):
        await SqliteDatabase(path).open()
    assert path.read_bytes().startswith(b"This is a letter")


async def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    await filled(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StoreCorrupt, match="damaged"):
        await SqliteDatabase(path).open()
    assert path.stat().st_size == len(whole) // 2


async def test_damage_found_later_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    await filled(path)
    connection = sqlite3.connect(path)
    root, size = connection.execute(
        "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_master"
        " WHERE name = 'transactions_id'"
    ).fetchone()
    connection.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xde\xad" * (size // 2))
    async with opened(path) as database:
        ports = sqlite_ports(database)
        with pytest.raises(StoreCorrupt, match="damaged"):
            await ports.wallets.transaction("txn_000000000000")
        book = Book(ports.ledger)
        with pytest.raises(StoreCorrupt, match="damaged"):
            await book.do(deducting("u1", 1))
        # Who knows what else is: nothing is answered from it any more.
        with pytest.raises(StoreCorrupt, match="damaged"):
            await ports.wallets.get("u1")
        with pytest.raises(StoreCorrupt, match="damaged"):
            await database.ping()


def make_read_only(path: Path, directory_mode: int) -> None:
    path.chmod(0o444)
    path.parent.chmod(directory_mode)


@pytest.mark.parametrize("directory_mode", [0o755, 0o555])
async def test_a_read_only_file_is_refused(
    open_directory: Path, start: Start, directory_mode: int
) -> None:
    path = open_directory / "store.db"
    await filled(path)
    before = path.read_bytes()
    make_read_only(path, directory_mode)
    told = start("refuse", path).communicate(timeout=30)[0]
    assert told.startswith(f"Unavailable {path}: The data store ")
    assert "look at the rights of its file" in told
    assert path.read_bytes() == before


async def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="cannot be made"):
        await SqliteDatabase(tmp_path / "file" / "var" / "store.db").open()
    with pytest.raises(Unavailable, match="cannot be opened"):
        await SqliteDatabase(tmp_path).open()


async def test_files_that_may_not_grow_leave_nothing_half_written(
    tmp_path: Path, start: Start
) -> None:
    path = tmp_path / "store.db"
    told = start("fill", path).communicate(timeout=60)[0]
    rows, kind, words = told.split(" ", 2)
    assert kind == "Unavailable"
    assert "The disk of the data store" in words
    assert int(rows) > 1
    async with opened(path) as database:
        # One row more was spent when files could grow again.
        assert (await sqlite_ports(database).wallets.get("u1")).rows == int(rows) + 1
        await assert_consistent(database)


async def test_a_full_database_is_told_as_a_full_disk(tmp_path: Path) -> None:
    async with opened(tmp_path / "store.db") as database:
        book = Book(SqliteLedgerStore(database))
        await book.do(granting("u1", 100_000))
        await database.on_writer(lambda c: c.execute("PRAGMA max_page_count = 60").fetchall())
        stored = 0

        async def spend() -> None:
            nonlocal stored
            while True:
                await book.do(*(deducting("u1") for _ in range(10)))
                stored += 10

        with pytest.raises(Unavailable, match="The disk of the data store is full"):
            await spend()
        ports = sqlite_ports(database)
        assert (await ports.wallets.get("u1")).available == 100_000 - stored
        await database.on_writer(lambda c: c.execute("PRAGMA max_page_count = 100000").fetchall())
        await book.do(deducting("u1"))
        await assert_consistent(database)


async def test_a_deleted_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with opened(path) as database:
        health = sqlite_ports(database).health
        await health.ping()
        path.unlink()
        with pytest.raises(Unavailable, match="deleted"):
            await health.ping()
        with pytest.raises(Unavailable, match="deleted"):
            await Book(sqlite_ports(database).ledger).do(granting("u1", 1))
