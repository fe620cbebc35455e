from __future__ import annotations

import sqlite3
from dataclasses import astuple
from pathlib import Path

import pytest

from shothik_payment.adapters.sqlite.database import SqliteDatabase
from shothik_payment.adapters.sqlite.migration import MIGRATIONS, migrate
from shothik_payment.domain.errors import StoreCorrupt
from shothik_payment.domain.model.api_key import ApiKeyStatus
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.api_keys import AuditEntry, KeyChange
from shothik_payment.domain.ports.event_log import PARTITIONS, Backlog
from shothik_payment.domain.ports.gateway import Notification
from shothik_payment.domain.ports.webhook_inbox import Webhook
from shothik_payment.domain.use_cases.verify import Verify
from tests.contracts.bindings import opened, sqlite_ports
from tests.contracts.book import NOW, SERVICE, Book, binding, deducting, in_days
from tests.contracts.test_subscription_history import (
    nothing_but_the_wallet,
    step,
    subscribe,
    subscription,
)
from tests.integration.sqlite.conftest import Start

VERSION_1 = Path(__file__).with_name("version_1.sql")


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    path = tmp_path / "old.db"
    connection = sqlite3.connect(path)
    connection.executescript(VERSION_1.read_text())
    connection.close()
    return path


def version_of(path: Path) -> int:
    connection = sqlite3.connect(path)
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    return version


async def test_a_file_of_version_1_is_read_and_written(old_file: Path) -> None:
    async with opened(old_file) as database:
        ports = sqlite_ports(database)
        wallet = await ports.wallets.get("u1")
        assert (wallet.available, wallet.held, wallet.rows) == (75, 5, 4)
        assert await ports.api_keys.services() == {SERVICE}
        assert await ports.documents("sandbox").get("d1") == b"x"
        assert [p.id for p in await ports.payments.of_user("u1", None, 5)]
        assert (await ports.wallets.stopped(SERVICE, None, 5)).wallets[0].user_id == "u2"
        book = Book(ports.ledger)
        again = await book.store.commit([await book.change(deducting("u1", 1, binding("new")))])
        assert again == [True]
        old = await ports.events.unpublished(range(PARTITIONS), 100)
        assert [e.sequence for e in old if e.user_id == "u2"] == [1, 2, 3, 4, 5]
        await ports.events.mark(old[:1], old[1:2], NOW)
        assert await ports.events.backlog() == Backlog(5, NOW, 1)
        assert await ports.pruning.prune_events(in_days(1), 100) == 3
        taken = await book.change(deducting("u1", 1, binding("r1")), blind=True)
        assert await book.store.commit([taken]) == [False]
        async for progress in Verify(ports.audit).run():
            assert progress.differences == []
    assert version_of(old_file) == len(MIGRATIONS)


async def test_what_version_1_had_under_review_still_is(old_file: Path) -> None:
    connection = sqlite3.connect(old_file)
    connection.execute("UPDATE payments SET body = json_set(body, '$.review_reason', 'amount')")
    connection.commit()
    connection.close()
    async with opened(old_file) as database:
        ports = sqlite_ports(database)
        (payment,) = await ports.payments.under_review(None, 5)
        assert (payment.user_id, payment.review_reason) == ("u1", "amount")
        assert (payment.paid, payment.refunds, payment.disputes) == (None, [], [])
        webhook = Webhook("sandbox", Notification("e1", "paid", payment.id), NOW)
        assert await ports.inbox.add(webhook)
        assert await ports.inbox.due(NOW, 5) == [webhook]


async def test_keys_of_version_1_are_found_changed_and_told_of(old_file: Path) -> None:
    connection = sqlite3.connect(old_file)
    for key_id, field, at in (("key_2", "revoked_at", NOW), ("key_3", "expires_at", NOW)):
        connection.execute(
            "INSERT INTO api_keys (id, service, digest, body) SELECT ?, service, ?,"
            " json_set(body, '$.id', ?, ?, ?) FROM api_keys WHERE id = 'key_1'",
            (key_id, key_id.encode(), key_id, f"$.{field}", at),
        )
    connection.commit()
    connection.close()
    async with opened(old_file) as database:
        keys = sqlite_ports(database).api_keys
        (key,) = await keys.list(SERVICE, None, 5, ApiKeyStatus.ACTIVE, NOW)
        assert (key.id, key.line, key.version, key.legacy) == ("key_1", "key_1", 0, False)
        for status, key_id in ((ApiKeyStatus.REVOKED, "key_2"), (ApiKeyStatus.EXPIRED, "key_3")):
            assert [k.id for k in await keys.list(None, None, 5, status, NOW)] == [key_id]
        assert not await keys.has_legacy(NOW)
        key.revoked_at = NOW
        entry = AuditEntry("key_1", NOW, "admin:a1", "revoke", {})
        await keys.commit(KeyChange((), [key], [entry]))
        found, _ = await keys.list(None, None, 5, ApiKeyStatus.REVOKED, NOW)
        assert (found.id, found.version) == ("key_1", 1)
        assert [e.action for e in await keys.audit("key_1", 5)] == ["revoke", "generate"]


async def test_a_file_of_version_3_keeps_its_wallets_and_takes_subscriptions(
    old_file: Path,
) -> None:
    connection = sqlite3.connect(old_file, isolation_level=None)
    migrate(connection, "old.db", MIGRATIONS[:3])
    connection.close()
    assert version_of(old_file) == 3
    async with opened(old_file) as database:
        ports = sqlite_ports(database)
        before = await ports.wallets.get("u1")
        assert (before.available, before.subscription, before.usage) == (75, None, {})
        assert await ports.history.of_user("u1", None, 5) == []
        change = await nothing_but_the_wallet(Book(ports.ledger), "u1")
        subscribe(change.wallet)
        change.steps.append(step("u1", 1))
        assert await ports.ledger.commit([change]) == [True]
        assert (await ports.wallets.get("u1")).subscription == subscription()
        assert await ports.history.of_user("u1", None, 5) == [step("u1", 1)]
        async for progress in Verify(ports.audit).run():
            assert progress.differences == []
    assert version_of(old_file) == len(MIGRATIONS)


async def test_what_was_charged_before_is_added_up(old_file: Path) -> None:
    connection = sqlite3.connect(old_file, isolation_level=None)
    migrate(connection, "old.db", MIGRATIONS[:4])
    connection.execute(
        "UPDATE transactions SET at = at + 3600000 WHERE rowid = (SELECT max(rowid)"
        " FROM transactions WHERE kind = 'deduct')"
    )
    rows = connection.execute(
        "SELECT at / 3600000 * 3600000, service, kind, sum(amount), count(*) FROM transactions"
        " WHERE kind IN ('deduct', 'capture', 'reverse') GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    ).fetchall()
    connection.close()
    assert {row[2] for row in rows} >= {"deduct"}
    assert len({row[0] for row in rows}) > 1
    async with opened(old_file) as database:
        ports = sqlite_ports(database)
        found = await ports.statistics.charged(Millis(0), in_days(9))
        assert [astuple(charged) for charged in found] == rows
        await Book(ports.ledger).do(deducting("u1", 1))
        now = await ports.statistics.charged(Millis(0), in_days(9))
        assert sum(charged.rows for charged in now) == sum(row[4] for row in rows) + 1


def test_later_steps_are_taken_and_keep_what_is_there(old_file: Path) -> None:
    connection = sqlite3.connect(old_file, isolation_level=None)
    later = (
        *MIGRATIONS,
        "ALTER TABLE wallets ADD COLUMN note TEXT;\nUPDATE wallets SET note = 'x'",
    )
    migrate(connection, "old.db", later)
    migrate(connection, "old.db", later)
    found = connection.execute("SELECT user_id, available, note FROM wallets ORDER BY 1").fetchall()
    connection.close()
    assert found == [("u1", 75, "x"), ("u2", 0, "x")]
    assert version_of(old_file) == len(MIGRATIONS) + 1


def test_a_step_that_fails_changes_nothing(old_file: Path) -> None:
    connection = sqlite3.connect(old_file, isolation_level=None)
    broken = (*MIGRATIONS, "ALTER TABLE wallets ADD COLUMN note TEXT;\nDROP TABLE nothing;")
    with pytest.raises(sqlite3.OperationalError, match="nothing"):
        migrate(connection, "old.db", broken)
    columns = [row[1] for row in connection.execute("PRAGMA table_info(wallets)")]
    connection.close()
    assert "note" not in columns
    assert version_of(old_file) == 1


async def test_a_newer_file_is_refused_in_words(old_file: Path) -> None:
    connection = sqlite3.connect(old_file)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(StoreCorrupt, match=r"old\.db has schema version 999; this release knows"):
        await SqliteDatabase(old_file).open()
    assert version_of(old_file) == 999


async def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE wallets (mine)")
    connection.close()
    with pytest.raises(StoreCorrupt, match="another program"):
        await SqliteDatabase(path).open()


async def test_processes_that_start_at_once_make_one_file(tmp_path: Path, start: Start) -> None:
    path = tmp_path / "new.db"
    makers = [start("make", path) for _ in range(4)]
    for maker in makers:
        assert maker.stdout is not None
        assert maker.stdout.readline() == "ready\n"
    for maker in makers:
        assert maker.stdin is not None
        maker.stdin.write("go\n")
        maker.stdin.flush()
    assert [maker.wait(30) for maker in makers] == [0] * 4
    async with opened(path) as database:
        assert await sqlite_ports(database).audit.count_users() == 4
