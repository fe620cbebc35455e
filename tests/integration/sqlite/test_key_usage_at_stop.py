"""What was counted and not stored yet when a process stops."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from structlog.testing import capture_logs

from shothik_payment.domain.model.key_usage import KeyUse
from shothik_payment.entrypoints.container import make_container
from shothik_payment.entrypoints.running import running
from shothik_payment.entrypoints.settings import Settings

USE = KeyUse("key_1", "10.0.0.1")


def settings(path: Path) -> Settings:
    return Settings(database_url=f"sqlite:///{path}", jwt_secret="x" * 32)


def stored(path: Path) -> list[tuple[str, int]]:
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT key_id, requests FROM key_usage").fetchall()
    connection.close()
    return found


async def test_it_is_stored_at_a_graceful_stop(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with running(make_container(settings(path))) as application:
        for _ in range(3):
            application.key_uses.count(USE, "POST /deduct", 200)
    assert stored(path) == [("key_1", 3)]


async def test_it_is_told_as_lost_where_the_store_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with capture_logs() as logs:
        async with running(make_container(settings(path))) as application:
            application.key_uses.count(USE, "POST /deduct", 200)
            for name in ("store.db", "store.db-wal", "store.db-shm"):
                (tmp_path / name).unlink(missing_ok=True)
    (told,) = [entry for entry in logs if entry["event"] == "usage of API keys is lost"]
    assert (told["requests"], "deleted" in told["error"]) == (1, True)
