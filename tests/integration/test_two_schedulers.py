"""Two processes renew the same subscriptions, with clocks that differ, and one of them ends
half-way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from itertools import pairwise
from pathlib import Path

import pytest

from shothik_payment.domain.model.subscription import StepKind, SubscriptionStatus
from shothik_payment.domain.model.time import MINUTE, SECOND, Millis
from shothik_payment.domain.model.transaction import TransactionKind
from shothik_payment.domain.use_cases.offers import Choice
from tests.contracts.bindings import STORES, Stores
from tests.support.scheduler import Moment, Scheduler
from tests.support.service import CountedIds, ScriptedGateway

AHEAD_MS = 5 * MINUTE
IN_TIME_MS = 2 * AHEAD_MS
"""What an ended process has begun is taken up again when the other clock has come so far."""


OpenStores = Callable[[str], AbstractAsyncContextManager[Stores]]


@pytest.fixture
def open_stores(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStores:
    """By the adapter's name."""
    return lambda name: STORES[name](tmp_path, request.getfixturevalue)


async def subscribe_all(scheduler: Scheduler, users: Sequence[str]) -> Millis:
    """When the first periods end."""
    await scheduler.keys.generate("paraphrase", actor="test")
    await asyncio.gather(
        *(scheduler.subscriptions.subscribe(user, "pro", Choice()) for user in users)
    )
    (end,) = {await period_end(scheduler, user) for user in users}
    return end


async def period_end(scheduler: Scheduler, user: str) -> Millis:
    subscription = (await scheduler.wallets.get(user)).subscription
    assert subscription is not None
    assert subscription.status is SubscriptionStatus.ACTIVE
    return subscription.period_end


async def renewed(scheduler: Scheduler, users: Sequence[str], times: int) -> bool:
    """Whether everybody is in the period after so many renewals."""
    wallets = await asyncio.gather(*(scheduler.wallets.get(user) for user in users))
    found = [w.subscription for w in wallets if w.subscription is not None]
    return all(s.period == times and s.dunning is None for s in found)


async def check_user(scheduler: Scheduler, user: str, renewals: int) -> None:
    """Each period has one payment, one step and one grant, and its end stopped nobody."""
    steps = (await scheduler.history.of_user(user, None, 1000))[::-1]
    assert [step.kind for step in steps] == [
        StepKind.CREATED,
        StepKind.STARTED,
        *[StepKind.RENEWED] * renewals,
    ]
    periods = steps[1:]
    assert all(one.period_end == two.period_start for one, two in pairwise(periods))
    payments = await scheduler.payments.of_user(user, None, 1000)
    assert [p.id for p in payments][::-1] == [step.payment_id for step in periods]
    rows = await scheduler.wallets.history(user, None, 1000)
    grants = [row.payment_id for row in rows if row.kind is TransactionKind.GRANT]
    assert grants == [p.id for p in payments]
    charged = [money for name, money in scheduler.gateway.charged if name == user]
    assert charged == [p.price for p in payments]
    wallet = await scheduler.wallets.get(user)
    assert wallet.stops == []
    assert wallet.available == 2500  # of each period's 2,000 at most 500 go on into the next


async def check_all(scheduler: Scheduler, users: Sequence[str], renewals: int) -> None:
    for user in users:
        await check_user(scheduler, user, renewals)
    assert await scheduler.differences() == []


async def race(survivor: Scheduler, doomed: Scheduler) -> None:
    """The doomed one comes to its moment for the first time, and then both are at work."""
    ending = asyncio.create_task(doomed.do_due())
    try:
        async with asyncio.timeout(20):
            await doomed.life.begun.wait()
            await survivor.do_due()
            await doomed.life.over.wait()
        assert not ending.done()
    finally:
        ending.cancel()


async def check_race(stores: Stores, moment: Moment, ahead_ends: bool, count: int) -> None:
    users = [f"u{number}" for number in range(count)]
    bank, ids = ScriptedGateway(recurring=True), CountedIds()
    bank.on_file.update(users)
    survivor = Scheduler(stores.ours, bank, ids)
    due = await subscribe_all(survivor, users)
    doomed = Scheduler(stores.theirs, bank, ids, moment)
    ahead, behind = (doomed, survivor) if ahead_ends else (survivor, doomed)
    behind.clock.time, ahead.clock.time = due, Millis(due + AHEAD_MS)

    await race(survivor, doomed)
    while not await renewed(survivor, users, 1):
        await survivor.advance(20 * SECOND)
        assert survivor.clock.now() <= due + AHEAD_MS + IN_TIME_MS
    await check_all(survivor, users, 1)

    successor = Scheduler(stores.theirs, bank, ids)
    (due,) = {await period_end(survivor, user) for user in users}
    survivor.clock.time, successor.clock.time = due, Millis(due + AHEAD_MS)
    await asyncio.gather(survivor.do_due(), successor.do_due())
    assert await renewed(survivor, users, 2)
    await check_all(successor, users, 2)
    for scheduler in (survivor, successor):
        await scheduler.writer.stop()


@pytest.mark.parametrize("ahead_ends", [True, False], ids=["ahead_ends", "behind_ends"])
@pytest.mark.parametrize("moment", Moment, ids=lambda moment: moment.name.lower())
async def test_each_period_renews_once(
    open_stores: OpenStores, moment: Moment, ahead_ends: bool
) -> None:
    async with open_stores("sqlite") as stores:
        await check_race(stores, moment, ahead_ends, count=40)


@pytest.mark.parametrize("moment", [Moment.AFTER_COMMIT, Moment.CHARGED], ids=lambda m: m.name)
async def test_each_period_renews_once_in_a_cluster(
    open_stores: OpenStores, moment: Moment
) -> None:
    async with open_stores("mongo") as stores:
        await check_race(stores, moment, ahead_ends=False, count=20)
