"""Limits of a plan: 100 credits of paraphrase and 3 slides a period on lite."""

from __future__ import annotations

import json

import pytest

from shothik_payment.domain.errors import PlanLimitReached, ServiceNotInPlan
from tests.support.service import TestService
from tests.support.subscriber import PARAPHRASE, SLIDE, Subscriber, moment


@pytest.fixture
async def user(service: TestService) -> Subscriber:
    user = await Subscriber.begin(service, "2026-01-31")
    await user.bought("lite")
    return user


async def test_credits_and_count_are_limited_each_by_itself(user: Subscriber) -> None:
    await user.spend(60)
    with pytest.raises(PlanLimitReached) as refused:
        await user.spend(41)
    limit = refused.value
    assert (limit.limit, limit.allowed, limit.used, limit.held, limit.required) == (
        "credits", 100, 60, 0, 41,
    )  # fmt: skip
    assert limit.resets_at == moment("2026-02-28")
    for amount in (50, 1, 1):
        await user.spend(amount, SLIDE)
    seen = await user.seen()
    assert (seen.usage, seen.told, seen.stopped) == (
        "paraphrase 1/60, slide 3/52",
        "-60 deduct, -50 deduct, -1 deduct, -1 deduct, exceeded slide, stop slide",
        "limit_reached slide",
    )
    assert await user.refused(1, SLIDE) == "plan_limit_reached"
    assert await user.refused(40) == ""
    # Told once each, however often it is refused, and at the period's end once each again.
    assert [await user.refused(1) for _ in range(3)] == ["plan_limit_reached"] * 3
    assert (await user.seen()).told == "-40 deduct, exceeded paraphrase, stop paraphrase"
    await user.until("2026-02-28")
    seen = await user.seen()
    assert seen.told == (
        "paid 1000, changed:renewed, -348 expire, +500, reset slide, reset paraphrase, "
        "resume paraphrase, resume slide"
    )
    assert (seen.usage, seen.stopped, seen.balance) == ("", "", 500)


async def test_a_hold_reserves_until_it_ends_and_counts_what_it_charges(user: Subscriber) -> None:
    hold = await user.hold(90)
    with pytest.raises(PlanLimitReached) as refused:
        await user.spend(11)
    assert (refused.value.used, refused.value.held) == (0, 90)
    slides = [await user.hold(1, SLIDE) for _ in range(3)]
    assert await user.refused(1, SLIDE) == "plan_limit_reached"
    assert (await user.seen()).stopped == ""
    await user.capture(hold, amount=30)
    await user.capture(slides[0], SLIDE)
    await user.until("2026-01-31T00:15")  # the other two have ended by then
    assert (await user.seen()).usage == "paraphrase 1/30, slide 1/1"
    assert await user.refused(71) == "plan_limit_reached"
    assert await user.refused(70) == ""
    assert await user.refused(1, SLIDE) == ""


async def test_a_reversal_gives_back_to_the_period_of_its_charge_only(user: Subscriber) -> None:
    early = await user.spend(100)
    assert (await user.seen()).stopped == "limit_reached paraphrase"
    await user.reverse(early, amount=1)
    seen = await user.seen()
    assert (seen.usage, seen.stopped, seen.told) == (
        "paraphrase 1/99",
        "",
        "credit.refunded, reset paraphrase, resume paraphrase",
    )
    slides = [await user.spend(1, SLIDE) for _ in range(3)]
    await user.reverse(slides[0], SLIDE)
    assert (await user.seen()).usage == "paraphrase 1/99, slide 2/2"
    await user.until("2026-02-28T01:00")
    await user.spend(10)
    await user.reverse(early, amount=50)
    assert (await user.seen()).usage == "paraphrase 1/10"


async def test_an_upgrade_lifts_a_limit_and_a_downgrade_brings_it_back(user: Subscriber) -> None:
    await user.spend(100)
    await user.seen()
    await user.change("pro")
    seen = await user.seen()
    assert (seen.usage, seen.stopped) == ("paraphrase 1/100", "")
    assert seen.told == "paid 2000, changed:upgraded, +1500, reset paraphrase, resume paraphrase"
    await user.spend(400)
    await user.change("lite")
    assert await user.refused(1) == ""  # not before the next period
    await user.until("2026-02-28")
    assert await user.refused(101) == "plan_limit_reached"
    assert await user.refused(100) == ""


async def test_a_service_outside_the_plan(service: TestService) -> None:
    user = await Subscriber.begin(service, "2026-01-31")
    await user.bought("slides")
    with pytest.raises(ServiceNotInPlan):
        await user.spend(1)
    with pytest.raises(ServiceNotInPlan):
        await user.hold(1)
    answer = await service.views.access(service.caller(PARAPHRASE), user.user, None)
    assert (answer.can_access, answer.reason, answer.plan) == (
        False, "service_not_in_plan", "slides",
    )  # fmt: skip
    answer = await service.views.access(service.caller(SLIDE), user.user, None)
    assert (answer.can_access, answer.limit, answer.until) == (True, None, moment("2026-02-28"))


async def test_who_is_near_a_limit_can_see_it(user: Subscriber) -> None:
    views, caller = user.service.views, user.service.caller(PARAPHRASE)
    near = []
    for amount in (79, 1, 20):
        await user.spend(amount)
        limit = (await views.access(caller, user.user, None)).limit
        assert limit is not None
        near.append((limit.near, limit.remaining))
    assert near == [(False, 21), (True, 20), (True, 0)]
    answer = await views.access(caller, user.user, None)
    assert (answer.can_access, answer.reason) == (False, "plan_limit_reached")


async def test_what_was_reserved_before_may_go_beyond_a_limit_and_is_told_once(
    service: TestService,
) -> None:
    user = await Subscriber.begin(service, "2026-01-31")
    await service.admin.adjust(user.user, 500, "for tests")
    holds = [await user.hold(80) for _ in range(3)]
    await user.bought("lite")
    for hold in holds:
        await user.capture(hold)
    seen = await user.seen()
    assert (seen.usage, seen.stopped) == ("paraphrase 3/240", "limit_reached paraphrase")
    assert seen.told == (
        "-80 capture, -80 capture, exceeded paraphrase, stop paraphrase, -80 capture"
    )


async def test_the_end_of_a_plan_ends_its_limits_and_another_interval_begins_them_anew(
    user: Subscriber,
) -> None:
    await user.spend(100)
    await user.change("pro_yearly")
    seen = await user.seen()
    assert (seen.usage, seen.stopped) == ("", "")
    await user.cancel(now=True)
    await user.subscribe("lite")
    await user.spend(100)
    assert (await user.seen()).stopped == "limit_reached paraphrase"
    await user.cancel(now=True)
    ended = await user.seen()
    assert (ended.usage, ended.stopped) == ("", "credits_gone all")
    assert ended.told == (
        "cancelled:cancelled, -400 expire, reset paraphrase, exceeded all, stop slide"
    )


@pytest.mark.parametrize("why", ["declined", "no answer", "upgrade without an answer"])
async def test_while_it_is_not_known_when_usage_begins_anew_no_time_is_told(
    service: TestService, why: str
) -> None:
    user = await Subscriber.begin(service, "2026-01-01")
    await user.bought("lite")
    if why == "declined":
        user.gateway.declines[user.user] = 1
    else:
        if why.startswith("upgrade"):
            await user.until("2026-01-31T23:00")
        user.gateway.away()
        if why.startswith("upgrade"):
            await user.change("pro_yearly")
    await user.until("2026-02-01T00:01")
    await user.spend(100)
    caller = service.caller()
    answer = await service.views.access(caller, user.user, None)
    assert answer.limit is not None
    assert answer.limit.resets_at is None
    told = {e.type: json.loads(e.data) for e in service.state.events[-2:]}
    assert "resetsAt" not in told["usage.limit_exceeded"]
    assert "blockedUntil" not in told["service.stop_user"]
    with pytest.raises(PlanLimitReached) as refused:
        await user.spend(1)
    assert refused.value.resets_at is None
