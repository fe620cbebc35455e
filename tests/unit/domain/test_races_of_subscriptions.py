"""Two at once: one wins, the loser is told why, and money and credits agree."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable
from typing import Any

import pytest

from shothik_payment.adapters.memory.ledger_store import MemoryLedgerStore
from shothik_payment.domain.errors import PaymentServiceError
from shothik_payment.domain.ledger.writer import LedgerWriter, WriterLimits
from shothik_payment.domain.use_cases.spend import Spend
from tests.support.service import CATALOG, TestService
from tests.support.subscriber import Seen, Subscriber, moment
from tests.support.subscription_laws import Laws


async def at_once(*doing: Awaitable[Any]) -> list[str]:
    """Of each the code it was refused with, `done` where it was not."""

    async def one(it: Awaitable[Any]) -> str:
        try:
            await it
        except PaymentServiceError as refusal:
            return refusal.code
        return "done"

    return list(await asyncio.gather(*map(one, doing)))


async def test_twenty_deductions_against_a_limit(service: TestService) -> None:
    """By two processes, neither of which knows of the other."""
    user = await Subscriber.begin(service, "2026-01-31")
    await user.bought("lite")
    other = LedgerWriter(
        MemoryLedgerStore(service.state),
        service.active.rules,
        service.active.fresh_rules,
        lambda: 0.5,
        WriterLimits(retry_pause_seconds=0),
    )
    other.start()
    elsewhere = Spend(
        other, service.wallets, service.taken_over, CATALOG, service.clock, service.ids
    )
    came_of = await at_once(
        *(
            spend.deduct(service.caller(), user.user, amount=7, units=None)
            for _ in range(10)
            for spend in (service.spend, elsewhere)
        )
    )
    await other.stop()
    assert Counter(came_of) == {"done": 14, "plan_limit_reached": 6}
    seen = await user.seen()
    assert (seen.usage, seen.balance) == ("paraphrase 14/98", 500 - 98)


@pytest.mark.parametrize("first", ["pro", "pro_yearly"])
async def test_two_upgrades(service: TestService, first: str) -> None:
    user = await Subscriber.begin(service, "2026-04-01")
    await user.bought("lite")
    await user.until("2026-04-16")
    second = {"pro": "pro_yearly", "pro_yearly": "pro"}[first]
    came_of = await at_once(user.change(first), user.change(second))
    assert came_of == ["done", "subscription_payment_open"]
    expected = {
        "pro": ("active pro 2026-04-01..2026-05-01", 1250, "1000"),
        "pro_yearly": ("active pro_yearly 2026-04-16..2027-04-16", 24_000, "29500"),
    }
    seen = await user.seen()
    assert (seen.state, seen.balance, seen.charged) == expected[first]
    await Laws(user).check()


async def test_the_same_upgrade_twice_is_charged_once(service: TestService) -> None:
    user = await Subscriber.begin(service, "2026-04-01")
    await user.bought("lite")
    await user.until("2026-04-16")
    came_of = await at_once(user.change("pro"), user.change("pro"))
    assert came_of in (["done", "done"], ["done", "subscription_payment_open"])
    seen = await user.seen()
    assert (seen.balance, seen.charged) == (1250, "1000")
    await Laws(user).check()


async def test_a_cancellation_before_its_renewal_wins(service: TestService) -> None:
    user = await Subscriber.begin(service, "2026-01-31")
    await user.bought("pro")
    service.clock.time = moment("2026-02-27T23:59")
    await at_once(user.cancel(now=True))
    service.clock.time = moment("2026-02-28")
    await service.do_due()
    seen = await user.seen()
    assert (seen.state, seen.balance, seen.charged) == (
        "cancelled pro 2026-01-31..2026-02-28", 0, "",
    )  # fmt: skip
    await Laws(user).check()


@pytest.mark.parametrize("now", [True, False])
@pytest.mark.parametrize("cancels_first", [True, False])
async def test_a_cancellation_while_its_renewal_is_charged_loses(
    service: TestService, now: bool, cancels_first: bool
) -> None:
    """The period is over: the command begins the charge itself, if the scheduler has not."""
    user = await Subscriber.begin(service, "2026-01-31")
    await user.bought("pro")
    service.clock.time = moment("2026-02-28")
    doing = [user.cancel(now=now), service.do_due()]
    came_of = await at_once(*(doing if cancels_first else reversed(doing)))
    assert Counter(came_of) == {"subscription_payment_open": 1, "done": 1}
    await service.do_due()
    assert await user.seen() == Seen(
        "active pro 2026-02-28..2026-03-31",
        2500,
        "500 to 2026-03-31, 2000 to 2026-03-31",
        told="paid 3000, changed:renewed, -1500 expire, +2000",
        charged="3000",
    )
    await Laws(user).check()


@pytest.mark.parametrize("pays_first", [True, False])
async def test_a_payment_at_the_moment_of_expiry(service: TestService, pays_first: bool) -> None:
    user = await Subscriber.begin(service, "2026-03-01")
    view = await user.subscribe("pro")
    assert view.payment is not None
    service.clock.time = moment("2026-03-02")
    doing = [service.pay(view.payment), service.sweep.run()]
    await at_once(*(doing if pays_first else reversed(doing)))
    await service.do_due()
    seen = await user.seen()
    assert (seen.state, seen.balance, seen.charged) == (
        "active pro 2026-03-02..2026-04-02", 2000, "3000",
    )  # fmt: skip
    await Laws(user).check()


@pytest.mark.parametrize("pays_first", [True, False])
async def test_a_payment_against_a_cancellation(service: TestService, pays_first: bool) -> None:
    """Paid first, the plan begins and is cancelled; else the money is for an admin to return."""
    user = await Subscriber.begin(service, "2026-03-01")
    view = await user.subscribe("pro")
    assert view.payment is not None
    doing = [service.pay(view.payment), user.cancel(now=True)]
    await at_once(*(doing if pays_first else reversed(doing)))
    seen = await user.seen()
    (payment,) = await user.payments()
    assert (seen.state, seen.balance) == ("cancelled pro 2026-03-01..2026-04-01", 0)
    granted = payment.grant_id is not None
    assert payment.status.value == ("paid" if granted else "review")
    assert ("+2000" in seen.told) is granted
    await Laws(user).check()


async def test_a_renewal_that_is_paid_by_link_at_its_last_moment(service: TestService) -> None:
    user = await Subscriber.begin(service, "2026-03-01")
    await user.bought("pro")
    user.gateway.on_file.clear()
    await user.until("2026-04-08T23:59")  # 168 hours and 24 after the period's end it expires
    (link, *_) = await user.payments()
    service.clock.time = moment("2026-04-09")
    await at_once(service.sweep.run(), service.pay(link))
    await service.do_due()
    seen = await user.seen()
    assert seen.charged == "3000"
    assert seen.balance == 2000
    assert (await user.subscription()).status.value == "active"
    await Laws(user).check()
