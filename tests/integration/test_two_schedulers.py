"""Two processes renew the same subscriptions, with clocks that differ, and one of them ends
half-way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from shothik_payment.domain.model.subscription import StepKind, SubscriptionStatus
from shothik_payment.domain.model.time import MINUTE, SECOND, Millis
from shothik_payment.domain.model.transaction import TransactionKind
from shothik_payment.domain.use_cases.subscriptions import Choice
from tests.contracts.bindings import STORES, Stores
from tests.support.scheduler import Moment, Scheduler
from tests.support.service import CountedIds, ScriptedGateway

USERS = [f"u{number}" for number in range(40)]
AHEAD_MS = 5 * MINUTE
IN_TIME_MS = 2 * AHEAD_MS
"""What an ended process has begun is taken up again when the other clock has come so far."""


@pytest.fixture(params=sorted(STORES))
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    async with STORES[request.param](tmp_path, request.getfixturevalue) as opened:
        yield opened


class Bank(ScriptedGateway):
    """All users have a method on file there."""

    def __init__(self) -> None:
        super().__init__(recurring=True)
        self.on_file.update(USERS)


async def subscribe_all(scheduler: Scheduler) -> Millis:
    """When the first periods end."""
    await scheduler.keys.generate("paraphrase", actor="test")
    views = await asyncio.gather(
        *(scheduler.subscriptions.subscribe(user, "pro", Choice()) for user in USERS)
    )
    ends = set()
    for view in views:
        assert view.subscription is not None
        assert view.subscription.status is SubscriptionStatus.ACTIVE
        ends.add(view.subscription.period_end)
    (end,) = ends
    return end


async def renewed(scheduler: Scheduler, times: int) -> bool:
    """Whether everybody is in the period after so many renewals."""
    wallets = await asyncio.gather(*(scheduler.wallets.get(user) for user in USERS))
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


async def check_all(scheduler: Scheduler, renewals: int) -> None:
    for user in USERS:
        await check_user(scheduler, user, renewals)
    assert await scheduler.differences() == []


async def race(stores: Stores, survivor: Scheduler, doomed: Scheduler) -> None:
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


@pytest.mark.parametrize("ahead_ends", [True, False], ids=["ahead_ends", "behind_ends"])
@pytest.mark.parametrize("moment", Moment, ids=lambda moment: moment.name.lower())
async def test_each_period_renews_once(stores: Stores, moment: Moment, ahead_ends: bool) -> None:
    bank, ids = Bank(), CountedIds()
    survivor = Scheduler(stores.ours, bank, ids)
    due = await subscribe_all(survivor)
    doomed = Scheduler(stores.theirs, bank, ids, moment)
    ahead, behind = (doomed, survivor) if ahead_ends else (survivor, doomed)
    behind.clock.time, ahead.clock.time = due, Millis(due + AHEAD_MS)

    await race(stores, survivor, doomed)
    while not await renewed(survivor, 1):
        await survivor.advance(20 * SECOND)
        assert survivor.clock.now() <= due + AHEAD_MS + IN_TIME_MS
    await check_all(survivor, 1)

    successor = Scheduler(stores.theirs, bank, ids)
    wallet = await survivor.wallets.get(USERS[0])
    assert wallet.subscription is not None
    survivor.clock.time = wallet.subscription.period_end
    successor.clock.time = Millis(survivor.clock.time + AHEAD_MS)
    await asyncio.gather(survivor.do_due(), successor.do_due())
    assert await renewed(survivor, 2)
    await check_all(successor, 2)
    for scheduler in (survivor, successor):
        await scheduler.writer.stop()
