from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from bson import Int64

from shothik_payment.adapters.mongo import MongoDatabase, MongoWallets, collections, names
from shothik_payment.domain.errors import Misconfigured, StoreCorrupt, Unavailable
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import Dispute, DisputeState, Refund, RefundState
from shothik_payment.domain.model.plan import Interval, Limit, LimitUnit, Terms
from shothik_payment.domain.model.subscription import AwaitedPayment, PaidFor, Usage
from shothik_payment.domain.model.time import HOUR, Millis
from tests.contracts.bindings import mongo_ports, opened_mongo
from tests.contracts.book import NOW, SERVICE, Book, deducting, granting, in_days, opening
from tests.contracts.test_subscription_history import (
    nothing_but_the_wallet,
    step,
    subscribe,
    subscription,
)

TIMES = {"created_at", "updated_at", "next_check_at", "opened_at"}
OF_USERS = (
    names.WALLETS,
    names.TRANSACTIONS,
    names.REQUEST_KEYS,
    names.GRANTS,
    names.HOLDS,
    names.PAYMENTS,
    names.SUBSCRIPTION_STEPS,
    names.OUTBOX,
    names.PRUNED,
)


LATER_IN_WALLETS = ("subscription", "had_trial", "steps", "usage", "usage_since", "usage_ends")
LATER_IN_PAYMENTS = ("off_session", "subscription_id", "plan", "surplus_reference")
LIMITS = {SERVICE: Limit(LimitUnit.COUNT, 1)}


async def indexes(database: MongoDatabase) -> dict[str, Any]:
    found = await database.database.list_collection_names()
    return {
        name: await database.collection(name).index_information()
        for name in sorted(found)
        if not name.startswith("system.")
    }


async def test_a_database_that_was_not_migrated_is_refused_in_words(url: str) -> None:
    with pytest.raises(Misconfigured, match="shothik-payment migrate"):
        await MongoDatabase(url).open()


async def test_migrate_opens_the_way_and_again_changes_nothing(url: str) -> None:
    await MongoDatabase(url).migrate()
    async with opened_mongo(url) as database:
        made = await indexes(database)
        await Book(mongo_ports(database).ledger).do(granting("u1"))
        await database.migrate()
        assert await indexes(database) == made
        assert (await MongoWallets(database).get("u1")).available == 100


async def test_a_database_of_version_1_has_to_be_migrated(url: str) -> None:
    async with opened_mongo(url, migrate=True) as database:
        made = await indexes(database)
        payment = await Book(mongo_ports(database).ledger).payment("u1")
        payments = database.collection(names.PAYMENTS)
        later = {"paid": "", "refunds": "", "disputes": "", "refunded_minor": "", "reference": ""}
        await payments.update_one({}, {"$set": {"review_reason": None}, "$unset": later})
        await payments.drop_index("under_review")
        await database.collection(names.WEBHOOKS).drop()
        schema = database.collection(names.SCHEMA)
        await schema.update_one({"_id": "schema"}, {"$set": {"version": 1}})
    with pytest.raises(Misconfigured, match="shothik-payment migrate"):
        await MongoDatabase(url).open()
    await MongoDatabase(url).migrate()
    async with opened_mongo(url) as database:
        assert await indexes(database) == made
        ports = mongo_ports(database)
        assert await ports.payments.get(payment.id) == payment
        assert await ports.payments.under_review(None, 5) == []


async def test_a_database_of_version_2_has_to_be_migrated(url: str) -> None:
    """Its wallets and payments know nothing of subscriptions."""
    async with opened_mongo(url, migrate=True) as database:
        made = await indexes(database)
        book = Book(mongo_ports(database).ledger)
        payment = await book.payment("u1")
        await book.do(granting("u1"))
        wallet = await mongo_ports(database).wallets.get("u1")
        for name, later in ((names.WALLETS, LATER_IN_WALLETS), (names.PAYMENTS, LATER_IN_PAYMENTS)):
            collection = database.collection(name)
            unset = {"$unset": dict.fromkeys(later, ""), "$set": {"schema_version": 2}}
            await collection.update_one({key: {"$exists": True} for key in later}, unset)
        assert await database.collection(names.WALLETS).find_one({"schema_version": 2})
        assert await database.collection(names.PAYMENTS).find_one({"schema_version": 2})
        await database.collection(names.SUBSCRIPTION_STEPS).drop()
        schema = database.collection(names.SCHEMA)
        await schema.update_one({"_id": "schema"}, {"$set": {"version": 2}})
    with pytest.raises(Misconfigured, match="shothik-payment migrate"):
        await MongoDatabase(url).open()
    await MongoDatabase(url).migrate()
    async with opened_mongo(url) as database:
        assert await indexes(database) == made
        ports = mongo_ports(database)
        assert await ports.wallets.get("u1") == wallet
        assert await ports.payments.get(payment.id) == payment
        change = await nothing_but_the_wallet(Book(ports.ledger), "u1")
        subscribe(change.wallet)
        change.steps.append(step("u1", 1))
        assert await ports.ledger.commit([change]) == [True]
        assert (await ports.wallets.get("u1")).subscription == subscription()
        assert await ports.history.of_user("u1", None, 5) == [step("u1", 1)]


async def test_what_was_charged_before_version_4_is_added_up(url: str) -> None:
    """Once, though several migrate; and not what this release has added up itself."""
    later = Millis(NOW + HOUR)
    async with opened_mongo(url, migrate=True) as database:
        ports = mongo_ports(database)
        book = Book(ports.ledger)
        await book.do(granting("u1"), deducting("u1", 3), deducting("u1", 4))
        await book.do(replace(deducting("u1", 5), at=later))
        expected = await ports.statistics.charged(Millis(0), in_days(1))
        assert [(charged.credits, charged.rows) for charged in expected] == [(7, 2), (5, 1)]
        await database.collection(names.TRANSACTIONS).update_many(
            {}, {"$set": {"schema_version": 3}}
        )
        await database.collection(names.CHARGED_HOURS).delete_many({})
        schema = database.collection(names.SCHEMA)
        await schema.update_one({"_id": "schema"}, {"$set": {"version": 3}})
        await book.do(replace(deducting("u1", 10), at=later))
        await asyncio.gather(*(MongoDatabase(url).migrate() for _ in range(3)))
        expected[1] = replace(expected[1], credits=15, rows=2)
        assert await ports.statistics.charged(Millis(0), in_days(1)) == expected
        (older, *_) = await database.collection(names.CHARGED_HOURS).find().sort("_id", 1).to_list()
    assert wide(older) == {"hour", "credits", "rows"}


async def test_every_index_that_is_declared_is_made(url: str) -> None:
    async with opened_mongo(url, migrate=True) as database:
        made = await indexes(database)
    for document in collections.ALL:
        settings = document.Settings
        declared = {index.document["name"] for index in getattr(settings, "indexes", ())}
        assert made.get(settings.name, {}).keys() - {"_id_"} == declared, settings.name


async def test_numbers_of_subscriptions_are_64_bits_wide(url: str) -> None:
    async with opened_mongo(url, migrate=True) as database:
        book = Book(mongo_ports(database).ledger)
        await book.do(granting("u1"))
        change = await nothing_but_the_wallet(book, "u1")
        little = Terms("p", "P", Interval.MONTH, Money(1, "USD"), 1, 1, None, LIMITS)
        awaited = AwaitedPayment("pay_1", PaidFor.START, little, True)
        change.wallet.subscription = replace(subscription(), terms=little, awaited=awaited)
        change.wallet.usage = {SERVICE: Usage(1, 1)}
        assert await book.store.commit([change]) == [True]
        (found,) = await database.collection(names.WALLETS).find({}).to_list()
    assert wide(found["usage"][SERVICE]) == {"count", "credits"}
    for terms in (found["subscription"]["terms"], found["subscription"]["awaited"]["terms"]):
        assert wide(terms) == {"credits", "rollover"}
        assert wide(terms["price"]) == {"amount_minor"}
        assert wide(terms["limits"][SERVICE]) == {"allowed"}


def wide(part: dict[str, Any]) -> set[str]:
    return {name for name, value in part.items() if isinstance(value, Int64)}


async def test_money_is_64_bits_wide_also_where_it_is_little(url: str) -> None:
    async with opened_mongo(url, migrate=True) as database:
        book = Book(mongo_ports(database).ledger)
        change = await book.change(opening("u1"))
        (payment,) = change.payments
        payment.paid = payment.price
        payment.refunds = [Refund("r1", 1, RefundState.PENDING, NOW)]
        payment.disputes = [Dispute("d1", 1, DisputeState.OPEN, NOW)]
        assert await book.store.commit([change]) == [True]
        (found,) = await database.collection(names.PAYMENTS).find({}).to_list()
    parts = [found, found["price"], found["paid"], *found["refunds"], *found["disputes"]]
    assert [wide(part) - TIMES for part in parts] == [
        {"credits", "refunded_minor"},
        {"amount_minor"},
        {"amount_minor"},
        {"amount_minor", "clawed"},
        {"amount_minor", "clawed"},
    ]


async def test_processes_that_start_at_once_make_one_database(url: str) -> None:
    await asyncio.gather(*(MongoDatabase(url).migrate() for _ in range(4)))
    async with opened_mongo(url) as database:
        await mongo_ports(database).health.ping()


async def test_every_unique_index_of_users_can_be_sharded_on_the_bucket(url: str) -> None:
    async with opened_mongo(url, migrate=True) as database:
        made = await indexes(database)
    assert set(OF_USERS) <= made.keys()
    for name in OF_USERS:
        own = {key: index for key, index in made[name].items() if key != "_id_"}
        unique = [index["key"][0][0] for index in own.values() if index.get("unique")]
        assert unique, name
        assert set(unique) == {"bucket"}, name


async def test_a_newer_database_is_refused_in_words(url: str) -> None:
    async with opened_mongo(url, migrate=True) as database:
        await database.collection(names.SCHEMA).update_one(
            {"_id": "schema"}, {"$set": {"version": 999}}
        )
    for use in (MongoDatabase(url).open, MongoDatabase(url).migrate):
        with pytest.raises(StoreCorrupt, match="schema version 999; this release knows"):
            await use()


@pytest.mark.parametrize(
    "wrong",
    [
        "mongodb://user:se@cret/x@127.0.0.1:1/shothik",
        "mongodb://user:secret@127.0.0.1:port/shothik",
        "mongodb://",
        "mongodb://user:secret@127.0.0.1:1/shothik?replicaSet",
        "mongodb://user:secret@127.0.0.1:1/shothik?connectTimeoutMS=x&authMechanism=none",
    ],
)
async def test_a_wrong_url_is_told_without_its_password(
    wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    database = MongoDatabase(wrong)
    with pytest.raises((Misconfigured, Unavailable)) as refused:
        await database.open()
    told = f"{refused.value} {refused.value!r} {database!r} {caplog.text}"
    assert "cret" not in told


async def test_a_server_that_is_away_is_told_without_the_password() -> None:
    database = MongoDatabase("mongodb://user:secret@127.0.0.1:1/shothik")
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1 cannot be reached") as refused:
        await database.open()
    assert "secret" not in f"{refused.value!r} {refused.value.__cause__!r} {database!r}"


async def test_a_name_of_which_the_driver_takes_a_part_is_refused() -> None:
    with pytest.raises(Misconfigured, match="no dot in the database's name"):
        await MongoDatabase("mongodb://127.0.0.1:1/sho.thik").open()


async def test_without_a_name_the_database_is_called_shothik(url: str) -> None:
    database = MongoDatabase(url.replace(url.rpartition("/")[2], "?directConnection=true"))
    with pytest.raises(Misconfigured, match="database shothik at"):
        await database.open()


async def test_before_opening_and_after_closing_it_is_unavailable(url: str) -> None:
    database = MongoDatabase(url, migrate_on_open=True)
    with pytest.raises(Unavailable, match="not open"):
        await MongoWallets(database).get("u1")
    await database.open()
    await database.close()
    with pytest.raises(Unavailable, match="not open"):
        await mongo_ports(database).health.ping()
