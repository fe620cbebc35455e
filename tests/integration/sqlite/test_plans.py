from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

from shothik_payment.adapters.sqlite import SqliteDatabase
from shothik_payment.domain.model.api_key import ApiKeyStatus
from shothik_payment.domain.model.payment import PaymentStatus
from shothik_payment.domain.ports.event_log import START
from shothik_payment.domain.ports.gateway import Notification
from shothik_payment.domain.ports.ledger_store import Needs
from shothik_payment.domain.ports.payments import PaymentFilter
from shothik_payment.domain.ports.webhook_inbox import Webhook
from tests.contracts.bindings import opened, sqlite_ports
from tests.contracts.book import (
    NOW,
    SERVICE,
    Book,
    binding,
    deducting,
    granting,
    in_days,
    opening,
)

# What is read from end to end on purpose: the indexes of what is still to be published and what
# nobody wanted, the answers of subqueries and constants.
_MAY_BE_SCANNED = (
    "SCAN outbox USING INDEX outbox_unpublished",
    "SCAN outbox USING COVERING INDEX outbox_unpublished",
    "SCAN outbox USING INDEX outbox_unwanted",
    "SCAN outbox USING COVERING INDEX outbox_unwanted",
    "SCAN stops USING COVERING INDEX stops_user",  # up to a limit
    "SCAN (",
    "SCAN old",
    "SCAN span",
    "SCAN CONSTANT ROW",
)

_WALLET = "INSERT INTO wallets (user_id, version, next_due_at, state) VALUES (?, 1, ?, '{}')"
_READING = ("SELECT", "UPDATE", "DELETE", "WITH", "INSERT INTO pruned")


async def test_no_look_up_scans_a_table(tmp_path: Path) -> None:
    statements: list[str] = []
    async with opened(tmp_path / "store.db") as database:
        ports = sqlite_ports(database)
        book = Book(ports.ledger)
        row = await book.row(granting("u1"))
        # One read at a time is always served by the same connection.
        for on in (database.read, database.on_writer):
            await on(lambda c: c.set_trace_callback(statements.append))
        await ports.wallets.get("u1")
        await ports.wallets.transaction(row.id)
        await ports.wallets.hold("hold_000000000000")
        await ports.wallets.history("u1", 5, 5)
        await ports.wallets.stopped(SERVICE, "a", 5)
        await ports.wallets.stopped(None, "a", 5)
        await ports.wallets.stopped_count(5)
        await ports.wallets.due(NOW, 5)
        await ports.wallets.next_due(NOW)
        await ports.statistics.charged(NOW, in_days(1))
        await ports.payments.counts(NOW, in_days(1))
        await ports.payments.get("pay_000000000000")
        await ports.payments.by_session("sandbox", "s1")
        await ports.payments.of_user("u1", None, 5)
        await ports.payments.of_user("u1", "pay_1", 5)
        await ports.payments.to_check(NOW, 5)
        await ports.payments.to_check(NOW, 5, replace(opening("u1").payment, next_check_at=NOW))
        await ports.payments.to_check(NOW, 5, None, "stripe")
        await ports.payments.next_check(NOW)
        await ports.payments.under_review(None, 5)
        await ports.history.of_user("u1", None, 5)
        await ports.history.of_user("u1", 5, 5)
        webhook = Webhook("sandbox", Notification("e1", "paid", "pay_1"), NOW)
        await ports.inbox.add(webhook)
        await ports.inbox.due(NOW, 5)
        await ports.inbox.postpone(webhook, NOW)
        await ports.inbox.handled(webhook, "settled", NOW)
        await ports.inbox.prune(in_days(1), 5)
        (event,) = await ports.events.read(START, 5)
        await ports.events.read(START, 5, "u1", ["credit.added"], NOW, NOW)
        for types in ((), ["credit.added", "payment.failed"], ["credit.added", "credit.deducted"]):
            for user in (None, "u1"):
                await ports.events.read(START, 5, user, types)
                await ports.events.latest(5, user, types, event.position)
        await ports.events.unpublished(range(16), 5)
        await ports.events.unpublished([1, 2], 5, ["u2"])
        await ports.events.unpublished_of("u1", 5)
        await ports.events.unwanted([1, 2], 5)
        await ports.events.backlog()
        await ports.api_keys.get("key_1")
        await ports.api_keys.by_digest(b"d")
        for back in (False, True):
            await ports.api_keys.list(None, None, 5, newest_first=back)
            await ports.api_keys.list(SERVICE, "key_1", 5, newest_first=back)
            for status in ApiKeyStatus:
                for service in (None, SERVICE):
                    await ports.api_keys.list(service, "key_1", 5, status, NOW, newest_first=back)
        await ports.api_keys.ending(NOW, in_days(7), 5)
        await ports.api_keys.has_legacy(NOW)
        await ports.api_keys.request("admin:a1", "k")
        await ports.api_keys.audit("key_1", 5)
        await ports.api_keys.audit("key_1", 5, 9)
        key = binding("k").key
        await book.load(Needs("u1", [key], [row.id], ["hold_000000000"], ["pay_00000000"]))
        await ports.events.mark([], [event], NOW)
        await ports.events.mark([event], [], NOW)
        await ports.pruning.prune_events(in_days(1), 5)
        await ports.pruning.prune_requests(in_days(1), 5)
        reads = [s for s in statements if s.lstrip().startswith(_READING)]
        assert len(reads) > 20
        for statement in reads:
            plan = await database.read(
                lambda c, s=statement: c.execute(f"EXPLAIN QUERY PLAN {s}").fetchall()
            )
            steps = [step[3] for step in plan]
            scans = [s for s in steps if s.startswith("SCAN ") and "json_each" not in s]
            assert [s for s in scans if not s.startswith(_MAY_BE_SCANNED)] == [], statement


async def test_what_is_due_for_a_gateway_is_found_by_the_index_alone(tmp_path: Path) -> None:
    """However much is due for another one; nothing is sorted."""
    statements: list[str] = []
    async with opened(tmp_path / "store.db") as database:
        payments = sqlite_ports(database).payments
        await database.read(lambda c: c.set_trace_callback(statements.append))
        last = replace(opening("u1").payment, next_check_at=NOW)
        for after in (None, last):
            assert await payments.to_check(NOW, 5, after, "stripe") == []
        reads = [s for s in statements if "next_check_at" in s]
        assert len(reads) == 2
        for statement in reads:
            steps = await database.read(
                lambda c, s=statement: [row[3] for row in c.execute(f"EXPLAIN QUERY PLAN {s}")]
            )
            (step,) = steps
            assert "SEARCH payments USING INDEX payments_check_of_gateway (gateway=? AND" in step


async def test_who_is_due_is_found_by_the_index_alone(tmp_path: Path) -> None:
    """Also in the statement that goes on behind a user; nothing is sorted, and of those who are
    not due nothing is read."""
    statements: list[str] = []
    async with opened(tmp_path / "store.db") as database:
        wallets = sqlite_ports(database).wallets
        times = [(f"u{n}", in_days(1 if n < 5 else n)) for n in range(2_000)]
        await database.write(lambda c: c.executemany(_WALLET, times))
        await database.read(lambda c: c.set_trace_callback(statements.append))
        found = await wallets.due(in_days(1), 3)
        found += await wallets.due(in_days(1), 9, found[-1])
        assert [due.user_id for due in found] == ["u0", "u1", "u2", "u3", "u4"]
        reads = [s for s in statements if "next_due_at <=" in s]
        assert len(reads) == 2
        for statement in reads:
            steps = await database.read(
                lambda c, s=statement: [row[3] for row in c.execute(f"EXPLAIN QUERY PLAN {s}")]
            )
            assert steps[0].startswith("SEARCH wallets USING INDEX wallets_due (next_due_at"), steps
            assert not [step for step in steps if "TEMP B-TREE" in step], steps


async def test_payments_are_searched_by_an_index_in_its_order(tmp_path: Path) -> None:
    """Nothing is sorted but the payments of one user, and of those that do not fit nothing is
    read."""
    statements: list[str] = []
    async with opened(tmp_path / "store.db") as database:
        payments = sqlite_ports(database).payments
        await database.read(lambda c: c.set_trace_callback(statements.append))
        for status, gateway, user, since in product(
            (None, PaymentStatus.PAID), (None, "stripe"), (None, "u1"), (None, NOW)
        ):
            which = PaymentFilter(status, gateway, user, since, None if since is None else NOW)
            await payments.search(which, None, 5)
            (statement,) = statements
            statements.clear()
            steps = await plan(database, statement)
            equal = sum(value is not None for value in (status, gateway, user))
            assert steps[0].startswith("SEARCH payments USING INDEX payments_"), steps
            assert ["SORT" if "TEMP B-TREE" in step else step for step in steps[1:]] == (
                [] if user is None else ["SORT"]
            ), steps
            if user is None:
                assert steps[0].count("=?") == equal, steps
                assert "(created_at,id)<(?,?)" in steps[0], steps
            statements.clear()


async def test_rare_events_are_found_among_many(tmp_path: Path) -> None:
    """By their types' own index, in both directions; what else there is is not looked at."""
    statements: list[str] = []
    async with opened(tmp_path / "store.db") as database:
        log = sqlite_ports(database).events
        await database.read(lambda c: c.set_trace_callback(statements.append))
        await log.read(START, 5, None, ["credit.added", "payment.failed"], NOW)
        await log.latest(5, None, ["service.stop_user"])
        both, one = [await plan(database, statement) for statement in list(statements)]
        found = [step for step in both if step.startswith("SEARCH outbox")]
        assert found == ["SEARCH outbox USING INDEX outbox_rare (type=? AND rowid>?)"] * 2
        assert "MERGE (UNION ALL)" in both
        assert "SEARCH outbox USING INDEX outbox_rare (type=? AND rowid>? AND rowid<?)" in one
        assert not [step for step in both + one if "TEMP B-TREE" in step]


async def test_rare_events_of_a_user_are_found_among_many(tmp_path: Path) -> None:
    """In both directions, in the order of the index."""
    statements: list[str] = []
    async with opened(tmp_path / "store.db") as database:
        log = sqlite_ports(database).events
        await database.read(lambda c: c.set_trace_callback(statements.append))
        await log.read(START, 5, "u1", ["credit.added", "payment.failed"], NOW)
        await log.latest(5, "u1", ["payment.completed", "payment.failed"])
        for statement in list(statements):
            steps = await plan(database, statement)
            assert "SEARCH outbox USING INDEX outbox_rare_of_user (user_id=?)" in steps
            assert not [step for step in steps if "TEMP B-TREE" in step]


async def test_deductions_are_not_in_the_indexes_of_rare_events(tmp_path: Path) -> None:
    async with opened(tmp_path / "store.db") as database:
        book = Book(sqlite_ports(database).ledger)
        await book.do(granting("u1"), *(deducting("u1", 1) for _ in range(30)))
        for index in ("outbox_rare", "outbox_rare_of_user"):
            rare = f"SELECT count(*) FROM outbox INDEXED BY {index} WHERE type <> 'credit.deducted'"
            count = await database.read(lambda c, s=rare: c.execute(s).fetchone())
            assert count == (1,)
        log = sqlite_ports(database).events
        assert len(await log.latest(100)) == 31
        assert [e.type for e in await log.latest(100, "u1", ["credit.added"])] == ["credit.added"]


async def plan(database: SqliteDatabase, statement: str) -> list[str]:
    return await database.read(
        lambda c: [row[3] for row in c.execute(f"EXPLAIN QUERY PLAN {statement}")]
    )


async def test_keys_in_a_status_and_those_that_end_are_found_by_their_indexes(
    tmp_path: Path,
) -> None:
    statements: list[str] = []
    async with opened(tmp_path / "store.db") as database:
        keys = sqlite_ports(database).api_keys
        await database.read(lambda c: c.set_trace_callback(statements.append))
        await keys.list(None, None, 5, ApiKeyStatus.REVOKED, NOW)
        await keys.ending(NOW, in_days(7), 5)
        await keys.has_legacy(NOW)
        plans = [
            await database.read(
                lambda c, s=statement: [row[3] for row in c.execute(f"EXPLAIN QUERY PLAN {s}")]
            )
            for statement in list(statements)
        ]
    revoked, ending, legacy = plans
    assert "SEARCH api_keys USING COVERING INDEX api_keys_active (id>?)" in revoked
    assert ending == ["SEARCH api_keys USING INDEX api_keys_ending (expires_at>? AND expires_at<?)"]
    assert legacy[0].startswith("SEARCH api_keys USING ")
    assert "api_keys_legacy" in legacy[0]
