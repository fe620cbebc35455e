"""One SQLite file: a writer thread, a few reader threads, and the WAL between them.

Readers see whole commits only and never wait for the writer, nor does the event loop. Several
processes may work on one file: `BEGIN IMMEDIATE` makes their writers take turns.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import LifoQueue
from typing import TypeVar

import msgspec

from shothik_payment.adapters.sqlite.bookings import make_bookings_view
from shothik_payment.adapters.sqlite.checkpoints import Checkpoints
from shothik_payment.adapters.sqlite.errors import is_damage, translated, unreadable
from shothik_payment.adapters.sqlite.migration import migrate
from shothik_payment.domain.errors import Misconfigured, StoreCorrupt, Unavailable

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

OLDEST_SQLITE = (3, 37)
READERS = 3
_GONE = "The data store's file was deleted or replaced while it is in use."
WRITER_CACHE_KIB = 16_384
READER_CACHE_KIB = 2_048
PAGE_BYTES = 2_048
"""A deduction changes a few small entries in as many pages, and each goes whole into the WAL."""
WAL_SIZE_LIMIT = 64 << 20


class SqliteDatabase:
    """Open it before use and close it after; in between any task may read and write.

    Raises Unavailable where the file cannot be read or written now, StoreCorrupt where it is not
    what it should be; a write that raises has stored nothing.
    """

    def __init__(self, path: str | Path, *, busy_timeout_seconds: float = 5.0) -> None:
        self.path = Path(path)
        self._busy_timeout = busy_timeout_seconds
        self._writes = ThreadPoolExecutor(1, "sqlite-write")
        self._reads = ThreadPoolExecutor(READERS, "sqlite-read")
        self._checkpoints = Checkpoints(lambda: self._connect(READER_CACHE_KIB), self._writes)
        self._writer: sqlite3.Connection | None = None
        self._readers: LifoQueue[sqlite3.Connection] = LifoQueue()
        self._closing = False
        self._damage: str | None = None
        self._file: tuple[int, int] | None = None
        self._write_failed = False

    async def open(self) -> None:
        """Make the file and its directory where they are missing, and migrate the schema."""
        await asyncio.get_running_loop().run_in_executor(self._writes, self._open)

    async def close(self) -> None:
        """Finish what is under way. The last process to close leaves no WAL behind."""
        self._closing = True
        await asyncio.get_running_loop().run_in_executor(None, self._close)

    async def write(self, work: Work[T]) -> T:
        """Run `work` on the writer, in one transaction that is stored for good on return."""
        return await self.on_writer(lambda connection: _in_transaction(connection, work))

    async def on_writer(self, work: Work[T]) -> T:
        """Run `work` on the writer; it begins and ends its transactions itself."""
        try:
            result = await self._run(self._writes, lambda: self._work_on_writer(work))
        except Unavailable:
            self._write_failed = True
            raise
        self._write_failed = False
        return result

    async def ping(self) -> None:
        """Read a little; and write, where the last write failed: whether it still does."""
        if self._write_failed:
            await self.write(_probe)
        if not await self.read(lambda connection: _answers(connection, self.path)):
            raise Unavailable(_GONE)

    async def read(self, work: Work[T]) -> T:
        """Run `work` on a connection that cannot write. Each statement is of one moment; use
        `one_moment` for several."""
        return await self._run(self._reads, lambda: self._work_on_reader(work))

    def connect_reader(self) -> sqlite3.Connection:
        """A connection of the caller's own, for a long read. To be closed by the caller."""
        connection = self._connect(READER_CACHE_KIB)
        connection.execute("PRAGMA query_only = ON")
        return connection

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Run a step of a long read on a reader thread."""
        return await self._run(self._reads, work)

    async def _run(self, executor: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        if self._writer is None or self._closing:
            raise Unavailable("The data store is not open.")
        if self._damage is not None:
            raise StoreCorrupt(self._damage)
        try:
            return await asyncio.get_running_loop().run_in_executor(executor, work)
        except sqlite3.Error as error:
            fault = translated(error)
            if is_damage(error) and isinstance(fault, StoreCorrupt):
                self._damage = (
                    fault.reason
                )  # who knows what else is: nothing is read or written any more
            raise fault from error
        except msgspec.DecodeError as error:
            raise unreadable(error) from error

    def _work_on_writer(self, work: Work[T]) -> T:
        connection = self._writer
        if connection is None:
            raise Unavailable("The data store is closed.")
        if _identity(self.path) != self._file:
            raise Unavailable(_GONE)
        try:
            return work(connection)
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._checkpoints.after_write(connection)

    def _work_on_reader(self, work: Work[T]) -> T:
        connection = self._readers.get()
        try:
            return work(connection)
        finally:
            self._readers.put(connection)

    # Life

    def _open(self) -> None:
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            oldest = ".".join(map(str, OLDEST_SQLITE))
            raise Misconfigured(
                "SQLite", f"version {sqlite3.sqlite_version} is too old, {oldest} is needed"
            )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"{self.path.parent}: cannot be made: {error.strerror}") from error
        opened: list[sqlite3.Connection] = []
        try:
            writer = self._connect(WRITER_CACHE_KIB)
            opened.append(writer)
            self._use_wal(writer)
            migrate(writer, str(self.path))
            make_bookings_view(writer)
            _read_a_little(writer)
            for _ in range(READERS):
                opened.append(self.connect_reader())
        except (sqlite3.Error, StoreCorrupt) as error:
            for connection in opened:
                connection.close()
            if isinstance(error, sqlite3.Error):
                raise translated(error, str(self.path)) from error
            raise
        for connection in opened[1:]:
            self._readers.put(connection)
        self._writer = writer
        self._file = _identity(self.path)

    def _connect(self, cache_kib: int) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path,
            timeout=self._busy_timeout,
            isolation_level=None,
            check_same_thread=False,  # one thread at a time, though not always the same
            cached_statements=512,
        )
        try:
            connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # of a file that is made now
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA cache_size = -{cache_kib}")
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            connection.execute(f"PRAGMA journal_size_limit = {WAL_SIZE_LIMIT}")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _use_wal(self, connection: sqlite3.Connection) -> None:
        """The change to WAL ignores the busy timeout, so two processes that make the file at once
        have to be patient here."""
        deadline = time.monotonic() + self._busy_timeout
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def _close(self) -> None:
        self._reads.shutdown()
        self._writes.shutdown()
        self._checkpoints.close()
        while not self._readers.empty():
            self._readers.get_nowait().close()
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()


def _in_transaction(connection: sqlite3.Connection, work: Work[T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    result = work(connection)
    connection.execute("COMMIT")
    return result


def _probe(connection: sqlite3.Connection) -> None:
    """Write more than a batch of bookings would."""
    connection.execute(
        "INSERT OR REPLACE INTO documents (kind, id, body) VALUES ('probe', '', zeroblob(65536))"
    )


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file is at the path; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _answers(connection: sqlite3.Connection, path: Path) -> bool:
    connection.execute("SELECT 1 FROM wallets LIMIT 1").fetchall()
    return path.exists()  # a file that was deleted stays readable for those who have it open


@contextmanager
def one_moment(connection: sqlite3.Connection) -> Iterator[None]:
    """All reads inside see the same commits."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("COMMIT")


_ENDS = (
    "SELECT max(wallet) FROM wallets",
    "SELECT id FROM transactions WHERE row = (SELECT max(row) FROM transactions)",
    "SELECT id FROM outbox WHERE position = (SELECT max(position) FROM outbox)",
)


def _read_a_little(connection: sqlite3.Connection) -> None:
    """Where the ends of the long tables can be read, the file was not cut off."""
    for statement in _ENDS:
        connection.execute(statement).fetchall()
