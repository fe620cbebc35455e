"""What stores keep of subscriptions: in the wallet, and step by step beside it."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass, replace
from typing import Any

from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.plan import Interval, Limit, LimitUnit, Terms
from shothik_payment.domain.model.subscription import (
    AwaitedPayment,
    Dunning,
    PaidFor,
    StepKind,
    Subscription,
    SubscriptionStatus,
    SubscriptionStep,
    Usage,
)
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.ports.ledger_store import ChangeSet, Needs
from shothik_payment.domain.ports.wallets import DueUser
from tests.contracts.bindings import Stores
from tests.contracts.book import NOW, SERVICE, Book, deducting, granting, in_days

BIG = 2**53


def terms(plan: str, n: int) -> Terms:
    return Terms(
        plan,
        f"The {plan}",
        Interval.YEAR,
        Money(BIG + n, "BDT"),
        BIG + n + 1,
        BIG + n + 2,
        (SERVICE, f"{plan}_service"),
        {SERVICE: Limit(LimitUnit.COUNT, BIG + n + 3), "other": Limit(LimitUnit.CREDITS, n)},
        70 + n,
        True,
    )


def subscription() -> Subscription:
    return Subscription(
        "sub_000000000001",
        SubscriptionStatus.PAST_DUE,
        terms("pro", 1),
        created_at=NOW,
        anchor=in_days(1),
        period=3,
        period_start=in_days(2),
        period_end=in_days(33),
        time_zone="Asia/Dhaka",
        gateway="bkash",
        currency="BDT",
        next_plan="basic",
        next_free=True,
        given=True,
        cancel_at_period_end=True,
        pause_at_period_end=True,
        awaited=AwaitedPayment("pay_000000000001", PaidFor.UPGRADE, terms("team", 9), True, True),
        dunning=Dunning(in_days(34), 2, in_days(35), True, True),
        next_step_at=in_days(36),
        ended_at=in_days(37),
    )


def subscribe(wallet: Wallet) -> None:
    wallet.subscription = subscription()
    wallet.had_trial = True
    wallet.steps = 4
    wallet.usage = {SERVICE: Usage(BIG + 5, BIG + 6), "other": Usage(1, 2)}
    wallet.usage_since = in_days(38)
    wallet.usage_ends = in_days(39)


def step(user: str, number: int) -> SubscriptionStep:
    return SubscriptionStep(
        user,
        number,
        in_days(number),
        StepKind.RENEWED,
        "sub_000000000001",
        "pro",
        SubscriptionStatus.ACTIVE,
        in_days(number),
        in_days(number + 30),
        "pay_000000000001",
        f'reason "{number}"',
    )


def unset(thing: Any) -> list[str]:
    """The fields, also deep inside, that have what they would have had anyway."""
    found = []
    for field in fields(thing):
        value = getattr(thing, field.name)
        if field.default is not MISSING and value == field.default:
            found.append(f"{type(thing).__name__}.{field.name}")
        inner = value.values() if isinstance(value, dict) else [value]
        found.extend(name for one in inner if is_dataclass(one) for name in unset(one))
    return found


async def nothing_but_the_wallet(book: Book, user: str) -> ChangeSet:
    """A commit that so far changes nothing of a user who has a wallet."""
    wallet = (await book.load(Needs(user))).wallet
    wallet.version += 1
    return ChangeSet(
        wallet,
        wallet.version - 1,
        transactions=[],
        events=[],
        grants=[],
        moved_grants=[],
        holds=[],
        payments=[],
        steps=[],
        requests=[],
        forgotten_requests=[],
        stops_changed=False,
    )


async def test_a_wallet_with_all_of_a_subscription_is_read_as_it_was_committed(
    book: Book, stores: Stores
) -> None:
    await book.do(granting("u1"))
    change = await nothing_but_the_wallet(book, "u1")
    subscribe(change.wallet)
    assert unset(subscription()) == []
    assert await book.store.commit([change]) == [True]
    expected = replace((await book.load(Needs("u1"))).wallet)
    subscribe(expected)
    for ports in (stores.ours, stores.theirs):
        assert (await ports.ledger.load([Needs("u1")]))[0].wallet == expected
        assert await ports.wallets.get("u1") == expected
        async for audited, _ in ports.audit.users():
            assert audited.wallet == expected


async def test_a_wallet_without_what_may_be_absent_is_read_as_it_was_committed(
    book: Book, stores: Stores
) -> None:
    bare = Subscription(
        "sub_1",
        SubscriptionStatus.INCOMPLETE,
        Terms("free", "Free", Interval.MONTH, None),
        NOW,
        NOW,
        0,
        NOW,
        in_days(1),
        awaited=AwaitedPayment("pay_1", PaidFor.START, Terms("x", "X", Interval.YEAR, None), False),
    )
    await book.do(granting("u1"))
    change = await nothing_but_the_wallet(book, "u1")
    change.wallet.subscription = bare
    assert await book.store.commit([change]) == [True]
    assert (await stores.theirs.wallets.get("u1")).subscription == bare


async def test_a_subscriptions_next_step_is_due(book: Book, stores: Stores) -> None:
    await book.do(granting("u1"))
    change = await nothing_but_the_wallet(book, "u1")
    change.wallet.subscription = subscription()
    await book.store.commit([change])
    assert await stores.theirs.wallets.due(Millis(in_days(36) - 1), 5) == []
    assert await stores.theirs.wallets.due(in_days(36), 5) == [DueUser("u1", in_days(36))]
    again = await nothing_but_the_wallet(book, "u1")
    again.wallet.subscription = replace(subscription(), next_step_at=None)
    await book.store.commit([again])
    assert await stores.theirs.wallets.due(in_days(99), 5) == []


async def test_steps_are_paged_newest_first_and_the_users_own(book: Book, stores: Stores) -> None:
    await book.do(granting("u1"))
    await book.do(granting("u2"))
    for numbers in ((1,), (2, 3, 4), (5, 6)):
        change = await nothing_but_the_wallet(book, "u1")
        change.steps.extend(step("u1", number) for number in numbers)
        assert await book.store.commit([change]) == [True]
    other = await nothing_but_the_wallet(book, "u2")
    bare = replace(step("u2", 1), payment_id=None, reason=None)
    other.steps.append(bare)
    assert await book.store.commit([other]) == [True]
    history = stores.theirs.history

    async def page(before: int | None, limit: int) -> list[int]:
        found = await history.of_user("u1", before, limit)
        assert found == [step("u1", one.number) for one in found]
        return [one.number for one in found]

    assert await page(None, 10) == [6, 5, 4, 3, 2, 1]
    assert await page(None, 2) == [6, 5]
    assert await page(5, 3) == [4, 3, 2]
    assert await page(2, 3) == [1]
    assert await page(1, 3) == []
    assert await page(100, 1) == [6]
    assert await history.of_user("u2", None, 5) == [bare]
    assert await history.of_user("nobody", None, 5) == []


async def test_a_moved_end_is_seen_with_the_rows_of_that_grant(book: Book, stores: Stores) -> None:
    await book.do(granting("u1", 10, in_days(1)), granting("u1", 20, in_days(2)))
    row = await book.row(deducting("u1", 15))
    change = await nothing_but_the_wallet(book, "u1")
    (left,) = change.wallet.grants
    left.expires_at = in_days(9)
    change.moved_grants.append(left)
    assert await book.store.commit([change]) == [True]
    (found,) = await stores.theirs.ledger.load([Needs("u1", [], [row.id])])
    ends = [found.grants[part.grant_id].expires_at for part in row.parts]
    assert ends == [in_days(1), in_days(9)]
    assert found.grants[left.id].amount == 20
    assert found.wallet.grants[0].expires_at == in_days(9)
    assert await stores.theirs.wallets.due(in_days(8), 5) == []


async def test_a_lost_race_stores_neither_steps_nor_moved_ends(book: Book, stores: Stores) -> None:
    for user in ("u1", "u2"):
        await book.do(granting(user, 10, in_days(1)))
    row = await book.row(deducting("u1", 1))
    late, other = [await nothing_but_the_wallet(book, user) for user in ("u1", "u2")]
    late.wallet.grants[0].expires_at = in_days(9)
    late.moved_grants.append(late.wallet.grants[0])
    late.steps.append(step("u1", 1))
    other.steps.append(step("u2", 1))
    await Book(stores.theirs.ledger).do(deducting("u1", 1))
    assert await book.store.commit([late, other]) == [False, True]
    assert await stores.ours.history.of_user("u1", None, 5) == []
    assert await stores.ours.history.of_user("u2", None, 5) == [step("u2", 1)]
    (part,) = row.parts
    snapshot = await book.load(Needs("u1", [], [row.id]))
    assert snapshot.grants[part.grant_id].expires_at == in_days(1)
    again = await nothing_but_the_wallet(book, "u1")
    again.steps.append(step("u1", 1))
    assert await book.store.commit([again]) == [True]
