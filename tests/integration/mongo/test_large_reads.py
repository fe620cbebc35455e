"""What is read of a large database goes by an index, and in parts."""

from __future__ import annotations

from typing import Any

from pymongo import monitoring
from pymongo.monitoring import CommandListener, CommandStartedEvent

from shothik_payment.adapters.mongo import MongoDatabase, names
from shothik_payment.adapters.mongo.ledger_audit import ENTRIES_AT_ONCE
from shothik_payment.adapters.mongo.wallets import MongoWallets, due_cursor
from shothik_payment.domain.model.identifiers import bucket_of
from shothik_payment.domain.model.payment import PaymentStatus
from shothik_payment.domain.model.time import DAY, HOUR, Millis
from shothik_payment.domain.ports.event_log import START
from shothik_payment.domain.ports.payments import PaymentFilter
from tests.contracts.bindings import mongo_ports, opened_mongo
from tests.contracts.book import NOW, Book, granting, in_days


async def test_the_log_is_read_to_a_day_behind_a_window_at_most(url: str) -> None:
    """`order` has the index: events that were committed more than a day later are not looked at."""
    async with opened_mongo(url, migrate=True) as database:
        book = Book(mongo_ports(database).ledger)
        await book.do(granting("u1"))
        for ahead, user in ((23 * HOUR, "u2"), (25 * HOUR, "u3"), (2 * DAY, "u4")):
            await book.do(granting("fast", at=Millis(NOW + ahead)))
            await book.do(granting(user))
        log = mongo_ports(database).events
        found = await log.read(START, 100, until=Millis(NOW + 1))
        assert [event.user_id for event in found] == ["u1", "u2"]
        (own,) = await log.read(START, 100, "u4", until=Millis(NOW + 1))
        assert own.at == NOW  # one user's events are read to the end


def row(number: int, user: str) -> dict[str, Any]:
    bucket = bucket_of(user)
    return {
        "_id": f"txn_{bucket}{user}-{number}",
        "bucket": bucket,
        "user_id": user,
        "number": number,
    }


async def insert(database: MongoDatabase, collection: str, documents: list[Any]) -> None:
    for start in range(0, len(documents), 2000):
        await database.collection(collection).insert_many(documents[start : start + 2000])


async def test_what_has_no_wallet_is_found_among_more_than_a_page(url: str) -> None:
    async with opened_mongo(url, migrate=True) as database:
        users = [f"u{n}" for n in range(ENTRIES_AT_ONCE // 4)]
        lost = {users[0], users[7], users[-1], "many"}
        rows = [row(number, user) for user in users for number in (1, 2, 3, 4, 5)]
        rows += [row(number, "many") for number in range(ENTRIES_AT_ONCE // 10)]
        await insert(database, names.TRANSACTIONS, rows)
        wallets = [{"_id": u, "bucket": bucket_of(u)} for u in users if u not in lost]
        await insert(database, names.WALLETS, wallets)
        await insert(database, names.HOLDS, [{**row(1, "holder"), "_id": "hold_1"}])
        await insert(
            database, names.OUTBOX, [{**row(1, "told"), "_id": "evt_1", "sequence": 1, "order": 1}]
        )
        found = await mongo_ports(database).audit.orphans()
        assert found == sorted(lost | {"holder", "told"})


async def test_who_is_due_is_found_by_the_index_alone(url: str) -> None:
    """Of those who are not due nothing is read, neither keys nor wallets."""
    async with opened_mongo(url, migrate=True) as database:
        users = [(f"u{n:04}", in_days(1 if n < 5 else n)) for n in range(2_000)]
        wallets = [{"_id": u, "bucket": bucket_of(u), "next_due_at": at} for u, at in users]
        await insert(database, names.WALLETS, wallets)
        found = await MongoWallets(database).due(in_days(1), 9)
        assert [due.user_id for due in found] == [user for user, _ in users[:5]]
        for after in (None, found[2]):
            plan = await due_cursor(database, in_days(1), 9, after).explain()
            (scan,) = scans(plan["queryPlanner"]["winningPlan"])
            assert (scan["stage"], scan["indexName"]) == ("IXSCAN", "due_first")
            assert plan["executionStats"]["totalDocsExamined"] <= 5
            assert plan["executionStats"]["totalKeysExamined"] <= 6  # one to see the end


def scans(stage: dict[str, Any]) -> list[dict[str, Any]]:
    """The stages of a plan that nothing comes before."""
    if "inputStage" not in stage:
        return [stage]
    return scans(stage["inputStage"])


class Asked(CommandListener):
    """The reads that the driver has sent since `asked` was emptied."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in ("find", "aggregate"):
            self.asked.append(dict(event.command))

    def succeeded(self, event: object) -> None: ...

    def failed(self, event: object) -> None: ...


ASKED = Asked()
monitoring.register(ASKED)
_NOT_EXPLAINED = (
    "lsid",
    "$db",
    "$clusterTime",
    "readConcern",
    "txnNumber",
    "batchSize",
    "maxTimeMS",
)


async def explained(database: MongoDatabase) -> dict[str, Any]:
    """The winning plan of the one read that was sent."""
    (command,) = ASKED.asked
    plain = {name: value for name, value in command.items() if name not in _NOT_EXPLAINED}
    found = await database.database.command("explain", plain, verbosity="queryPlanner")
    planner = found if "queryPlanner" in found else found["stages"][0]["$cursor"]
    plan: dict[str, Any] = planner["queryPlanner"]["winningPlan"]
    return plan


async def test_what_the_panel_reads_goes_by_an_index(url: str) -> None:
    async with opened_mongo(url, migrate=True) as database:
        ports = mongo_ports(database)
        await Book(ports.ledger).do(granting("u1"))
        for index, read in (
            ("hour", ports.statistics.charged(NOW, in_days(1))),
            ("newest", ports.payments.counts(NOW, in_days(1))),
            ("newest", ports.payments.search(PaymentFilter(), None, 5)),
            ("status", ports.payments.search(PaymentFilter(PaymentStatus.PAID), None, 5)),
            ("gateway", ports.payments.search(PaymentFilter(gateway="stripe"), None, 5)),
            ("user", ports.payments.search(PaymentFilter(user_id="u1"), None, 5)),
            ("to_check", ports.payments.to_check(NOW, 5)),
            ("to_check_of", ports.payments.to_check(NOW, 5, None, "stripe")),
            ("stopped", ports.wallets.stopped_count(5)),
            ("stopped_users", ports.wallets.stopped(None, "a", 5)),
            ("types_below", ports.events.read(START, 5, None, ["credit.added"])),
            ("types_above", ports.events.latest(5, None, ["service.stop_user", "payment.failed"])),
            ("own_types_below", ports.events.latest(5, "u1", ["credit.added"])),
            ("own_types_above", ports.events.read(START, 5, "u1", ["payment.failed"])),
        ):
            ASKED.asked.clear()
            await read
            (scan,) = scans(await explained(database))
            assert (scan["stage"], scan.get("indexName")) == ("IXSCAN", index)
