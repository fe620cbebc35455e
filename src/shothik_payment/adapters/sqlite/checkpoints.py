"""Copying the write-ahead log back into the file.

SQLite's own checkpoint would run inside a commit, and make its callers wait.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

log = logging.getLogger(__name__)

CHECKPOINT_AFTER_CHANGES = 20_000
"""Changed rows after which the WAL is copied back: some 50 MB of it where users are all
different."""


class Checkpoints:
    """`connect` makes a connection; `writes` is the writer's thread."""

    def __init__(
        self, connect: Callable[[], sqlite3.Connection], writes: ThreadPoolExecutor
    ) -> None:
        self._connect = connect
        self._writes = writes
        self._thread = ThreadPoolExecutor(1, "sqlite-checkpoint")
        self._changes = 0
        self._running = False

    def after_write(self, writer: sqlite3.Connection) -> None:
        """Start one where it is time; on the writer's thread, after its transaction."""
        if writer.total_changes - self._changes > CHECKPOINT_AFTER_CHANGES and not self._running:
            self._running = True
            self._changes = writer.total_changes
            with suppress(RuntimeError):  # closing down, which checkpoints too
                self._thread.submit(self._run, writer)

    def close(self) -> None:
        """After the writer's thread has ended, and before its connection is closed."""
        self._thread.shutdown()

    def _run(self, writer: sqlite3.Connection) -> None:
        """Copy the bulk of the WAL back beside the running commits, then let the writer copy the
        rest between two of them: with nothing left in it the next commit starts it anew."""
        try:
            connection = self._connect()
            try:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            finally:
                connection.close()
        except sqlite3.Error as error:
            self._failed(error)
            return
        with suppress(RuntimeError):  # closing down
            self._writes.submit(self._finish, writer)

    def _finish(self, writer: sqlite3.Connection) -> None:
        try:
            writer.execute("PRAGMA wal_checkpoint(PASSIVE)")
            self._running = False
        except sqlite3.Error as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        """Nothing is lost: the WAL has it all, and grows until a later checkpoint succeeds."""
        self._running = False
        log.warning("the write-ahead log of the data store could not be copied back: %s", error)
