"""What somebody might try to have for nothing, or twice."""

from __future__ import annotations

import pytest

from shothik_payment.domain.errors import InvalidRequest
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.model.time import END_OF_TIME
from shothik_payment.domain.use_cases.offers import Choice
from tests.support.service import ScriptedGateway, TestService, running_service
from tests.support.subscriber import LITTLE_FOR_FREE, SLIDE, Subscriber


def binding(key: str) -> RequestBinding:
    return RequestBinding(f"user u1 subscribe {key}", key, b"body")


async def test_a_free_plan_begun_and_ended_gives_no_more_of_the_month() -> None:
    async with running_service(catalog=LITTLE_FOR_FREE) as service:
        user = await Subscriber.begin(service, "2026-03-02")
        await service.admin.adjust(user.user, 1000, "to spend")
        spent = 0
        while not await user.refused(1, SLIDE):
            spent += 1
        assert spent
        for plan in ("free", "gift"):
            await user.subscribe(plan)
            assert (await user.subscription()).status.value == "active"
            await user.cancel(now=True)
            assert await user.refused(1, SLIDE) == "plan_limit_reached"
        await user.until("2026-04-02")
        assert await user.refused(1, SLIDE) == ""


async def test_a_repeat_after_a_decline_has_no_second_effect(service: TestService) -> None:
    user = await Subscriber.begin(service, "2026-03-01")
    user.save_card()
    service.gateway.declines[user.user] = 1
    first = await service.subscriptions.subscribe(user.user, "pro", Choice(), binding("k"))
    assert first.payment is not None
    assert not first.payment.off_session
    await user.pay(first)
    await user.cancel()
    again = await service.subscriptions.subscribe(user.user, "pro", Choice(), binding("k"))
    assert again.replayed
    assert (await user.subscription()).cancel_at_period_end
    assert len(await user.payments()) == 2
    assert user.charged() == "3000"


async def test_tries_that_a_downtime_has_left_out_are_made_before_the_end(
    service: TestService,
) -> None:
    user = await Subscriber.begin(service, "2026-03-01")
    await user.bought("pro")
    service.gateway.declines[user.user] = 1
    await user.until("2026-04-01")
    assert (await user.subscription()).status.value == "past_due"
    service.clock.advance(20 * 86_400_000)  # and nobody was there
    await service.do_due()
    seen = await user.seen()
    assert (seen.state, seen.charged) == ("active pro 2026-04-01..2026-05-01", "3000")


@pytest.mark.parametrize("paid", [False, True])
async def test_who_pays_for_an_upgrade_can_be_chosen_anew(paid: bool) -> None:
    two = ScriptedGateway("other", recurring=True)
    async with running_service(ScriptedGateway(), two) as service:
        user = await Subscriber.begin(service, "2026-03-01")
        await user.subscribe("gift")
        choose = service.subscriptions.change
        view = await choose(user.user, "pro", Choice(gateway="sandbox"))
        if paid:
            await user.pay(view)
        else:
            await user.keep()
            await choose(user.user, "pro", Choice(gateway="other"))
        assert (await user.subscription()).gateway == ("sandbox" if paid else "other")


async def test_money_for_a_year_is_not_paid_with_credits_that_are_spent(
    service: TestService,
) -> None:
    user = await Subscriber.begin(service, "2026-04-01")
    await user.bought("lite")
    await user.spend(400, SLIDE)
    await user.change("pro_yearly")
    # 100 of 500 credits are left: a fifth of 10 dollars.
    seen = await user.seen()
    assert (seen.balance, seen.charged) == (24_000, "29800")


async def test_nothing_is_planned_beyond_the_end_of_time(service: TestService) -> None:
    user = await Subscriber.begin(service, "2026-04-01")
    with pytest.raises(InvalidRequest):
        await user.give("pro", END_OF_TIME + 1)
    await user.give("pro", END_OF_TIME)
    with pytest.raises(InvalidRequest):
        await service.subscriptions.extend(user.user, 1, "longer")
    assert await user.refused(1, SLIDE) == ""
