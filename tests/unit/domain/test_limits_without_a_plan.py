"""Limits of who pays for no plan: by the calendar, of a free plan, after one has lapsed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from shothik_payment.domain.model.plan import Interval, Limit, LimitUnit, Plan, Terms
from tests.support.service import TestService, running_service
from tests.support.subscriber import LITTLE_FOR_FREE, SLIDE, Subscriber, moment


@pytest.fixture
async def limited() -> AsyncIterator[Subscriber]:
    """Without a subscription there are two slides a month, and nothing else."""
    async with running_service(catalog=LITTLE_FOR_FREE) as service:
        user = await Subscriber.begin(service, "2026-01-31")
        await service.admin.adjust(user.user, 1000, "for tests")
        await user.seen()
        yield user


async def test_without_a_subscription_limits_go_by_the_calendar(limited: Subscriber) -> None:
    user = limited
    await user.spend(1, SLIDE)
    await user.spend(1, SLIDE)
    assert await user.refused(1, SLIDE) == "plan_limit_reached"
    assert await user.refused(1) == "service_not_in_plan"
    assert (await user.seen()).stopped == "limit_reached slide"
    await user.until("2026-01-31T17:59")
    assert (await user.seen()).told == ""
    await user.until("2026-01-31T18:00")  # midnight in Dhaka
    seen = await user.seen()
    assert (seen.usage, seen.told, seen.stopped) == ("", "reset slide, resume slide", "")
    assert await user.refused(1, SLIDE) == ""
    assert (await user.seen()).usage == "slide 1/1"


async def test_a_lapsed_plan_leaves_the_free_one_and_stops_what_that_has_not(
    limited: Subscriber,
) -> None:
    user = limited
    await user.bought("lite")
    for _ in range(3):
        await user.spend(1, SLIDE)
    user.gateway.declines[user.user] = 5
    await user.until("2026-02-28T01:00")
    await user.seen()
    await user.until("2026-03-01")
    lapsed = await user.seen()
    assert (lapsed.usage, lapsed.stopped) == ("", "subscription_lapsed paraphrase")
    assert lapsed.told.endswith("reset slide, stop paraphrase, resume slide")
    # The free plan's own two slides, and its own month.
    for _ in range(2):
        await user.spend(1, SLIDE)
    assert await user.refused(1, SLIDE) == "plan_limit_reached"
    await user.until("2026-03-08")
    ended = await user.seen()
    assert (ended.state, ended.usage) == ("expired lite 2026-01-31..2026-02-28", "slide 2/2")
    assert ended.stopped == "subscription_lapsed paraphrase, limit_reached slide"
    user.gateway.declines.clear()
    await user.subscribe("lite")
    assert (await user.seen()).stopped == ""


async def test_who_is_let_on_after_a_lapse_is_back_under_the_plan_s_limits(
    limited: Subscriber,
) -> None:
    user = limited
    await user.bought("lite")
    user.gateway.declines[user.user] = 5
    await user.until("2026-03-01")
    for _ in range(2):
        await user.spend(1, SLIDE)
    assert "limit_reached slide" in (await user.seen()).stopped
    await user.service.subscriptions.extend(user.user, 60, "sorry")
    seen = await user.seen()
    assert (seen.usage, seen.stopped) == ("", "")
    await user.spend(1, SLIDE)
    await user.until("2026-04-15")  # the free plan's month has no say
    assert (await user.seen()).usage == "slide 1/1"


async def test_a_free_plan_goes_on_from_what_was_used_of_the_month_up_to_its_own_end() -> None:
    limits = {"slide_service": Limit(LimitUnit.CREDITS, 40)}
    starter = Plan(Terms("starter", "Starter", Interval.MONTH, None, limits=limits))
    billing = LITTLE_FOR_FREE.billing
    billing = replace(billing, plans={**billing.plans, "starter": starter})
    async with running_service(catalog=replace(LITTLE_FOR_FREE, billing=billing)) as service:
        user = await Subscriber.begin(service, "2026-03-20")
        await service.admin.adjust(user.user, 500, "for tests")
        await user.spend(15, SLIDE)
        await user.spend(15, SLIDE)
        assert (await user.seen()).stopped == "limit_reached slide"
        await user.subscribe("starter")
        seen = await user.seen()
        assert (seen.usage, seen.stopped) == ("slide 2/30", "")
        assert seen.told == "created, reset slide, resume slide"
        await user.spend(10, SLIDE)
        answer = await service.views.access(service.caller(SLIDE), user.user, None)
        assert answer.limit is not None
        assert answer.limit.resets_at == moment("2026-04-20")
        assert (await user.seen()).told == "-10 deduct, exceeded slide, stop slide"
        await user.until("2026-04-19T23:59")
        assert (await user.seen()).told == ""
        assert await user.refused(1, SLIDE) == "plan_limit_reached"
        await user.until("2026-04-20")
        assert (await user.seen()).told == "changed:renewed, reset slide, resume slide"
        assert await user.refused(40, SLIDE) == ""


async def test_usage_of_a_free_plan_that_was_left_goes_on_to_the_end_of_its_period(
    service: TestService,
) -> None:
    user = await Subscriber.begin(service, "2026-03-20")
    await service.admin.adjust(user.user, 500, "for tests")
    await user.spend(7)
    await user.subscribe("gift")
    assert (await user.seen()).usage == ""
    await user.spend(10)
    await user.cancel(now=True)
    await user.spend(20)
    await user.until("2026-04-10")
    await user.subscribe("gift")
    assert (await user.seen()).usage == "paraphrase 2/30"
    await user.until("2026-05-09T23:59")
    await user.cancel(now=True)
    assert (await user.seen()).usage == "paraphrase 2/30"
    await user.until("2026-05-10")
    await user.spend(1)
    assert (await user.seen()).usage == ""


@pytest.mark.parametrize("ends", ["cancelled", "not paid in time"])
async def test_a_plan_that_was_never_paid_leaves_usage_as_it_is(
    limited: Subscriber, ends: str
) -> None:
    user = limited
    await user.until("2026-02-02")
    for _ in range(2):
        await user.spend(1, SLIDE)
    await user.subscribe("lite")
    if ends == "cancelled":
        await user.cancel(now=True)
    else:
        await user.until("2026-02-20")
    seen = await user.seen()
    assert seen.state.startswith(ends.split()[0] if ends == "cancelled" else "expired")
    assert (seen.usage, seen.stopped) == ("slide 2/2", "limit_reached slide")
    assert await user.refused(1, SLIDE) == "plan_limit_reached"
    await user.until("2026-02-28T18:00")  # midnight in Dhaka
    assert (await user.seen()).usage == ""
