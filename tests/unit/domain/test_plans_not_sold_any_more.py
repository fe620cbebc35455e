"""Plans that the catalog does not sell any more, or not as they were when they were chosen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from shothik_payment.domain.errors import Conflict, NotFound
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.plan import Plan
from shothik_payment.domain.model.time import HOUR
from shothik_payment.domain.use_cases.offers import Choice
from tests.support.service import CATALOG, TestService, running_service
from tests.support.subscriber import PARAPHRASE, Subscriber, moment, state_of

PLANS = CATALOG.billing.plans
IN_TAKA = {"BDT": Money(60_000, "BDT")}
PRICED = {"USD": Money(500, "USD")}


def sold(plan: str, **prices: Money) -> Plan | None:
    return replace(PLANS[plan], prices=prices) if prices else None


@asynccontextmanager
async def catalog_with(
    user: Subscriber, name: str, plan: Plan | None
) -> AsyncIterator[TestService]:
    """From now on it has this plan of the name, or None."""
    plans = {**PLANS, name: plan}
    billing = replace(CATALOG.billing, plans={n: p for n, p in plans.items() if p is not None})
    catalog = replace(CATALOG, billing=billing)
    async with running_service(user.gateway, old=user.service, catalog=catalog) as service:
        user.service = service
        yield service


async def on_pro(service: TestService) -> Subscriber:
    user = await Subscriber.begin(service, "2026-01-31")
    await user.bought("pro")
    return user


async def who_chose(plan: str, service: TestService, *, pausing: bool = False) -> Subscriber:
    """Is on another until the period ends."""
    user = await on_pro(service)
    if pausing:
        await user.pause()
    await user.change(plan)
    user.charged()
    return user


NOT_TO_BE_HAD = pytest.mark.parametrize(
    ("chosen", "prices"),
    [("lite", {}), ("lite", IN_TAKA), ("gift", {}), ("gift", PRICED)],
    ids=["gone", "in another currency", "free and gone", "free and priced"],
)


@NOT_TO_BE_HAD
async def test_who_chose_less_is_not_charged_for_what_nobody_chose(
    service: TestService, chosen: str, prices: dict[str, Money]
) -> None:
    user = await who_chose(chosen, service)
    async with catalog_with(user, chosen, sold(chosen, **prices)):
        view = await user.service.subscriptions.current(user.user)
        assert (view.coming, view.ends) == (None, True)
        await user.seen()
        await user.until("2026-03-10")
        assert state_of(await user.subscription()).startswith("cancelled pro")
        assert (await user.seen()).told.count("cancelled:next_plan_not_sold") == 1
        assert user.charged() == ""


@NOT_TO_BE_HAD
async def test_unless_it_is_taken_back(
    service: TestService, chosen: str, prices: dict[str, Money]
) -> None:
    user = await who_chose(chosen, service)
    async with catalog_with(user, chosen, sold(chosen, **prices)):
        await user.keep()
        await user.until("2026-03-10")
        assert state_of(await user.subscription()).startswith("active pro")
        assert len(user.charged().split()) == 1


async def test_what_was_chosen_costs_what_it_does_by_then(service: TestService) -> None:
    user = await who_chose("lite", service)
    async with catalog_with(user, "lite", sold("lite", USD=Money(1100, "USD"))):
        await user.until("2026-03-10")
        assert state_of(await user.subscription()).startswith("active lite")
        assert user.charged().endswith("1100")


async def past_due(service: TestService) -> Subscriber:
    """With another plan chosen, that its renewal could not be charged for."""
    user = await who_chose("lite", service)
    user.gateway.declines[user.user] = 1
    await user.until("2026-02-28T00:01")
    assert state_of(await user.subscription()).startswith("past_due pro")
    user.charged()
    return user


async def test_a_renewal_that_is_tried_again_ends_with_its_plan(service: TestService) -> None:
    user = await past_due(service)
    async with catalog_with(user, "lite", None):
        assert (await user.service.subscriptions.current(user.user)).ends
        with pytest.raises(Conflict):
            await user.pay_renewal()
        await user.until("2026-03-10")
        assert state_of(await user.subscription()).startswith("cancelled pro")
        assert user.charged() == ""


async def test_a_renewal_whose_link_is_open_is_for_what_was_chosen(service: TestService) -> None:
    user = await past_due(service)
    link = await user.pay_renewal()
    async with catalog_with(user, "lite", None) as later:
        view = await later.subscriptions.current(user.user)
        assert view.coming is not None
        assert (view.coming.plan, view.ends) == ("lite", False)
        await user.pay(link)
        assert state_of(await user.subscription()).startswith("active lite")


FREE_BY_NOW = replace(PLANS["lite"], prices={})


@pytest.mark.parametrize("asked", [True, False])
async def test_a_renewal_that_is_due_is_free_where_its_plan_is_by_now(
    service: TestService, asked: bool
) -> None:
    user = await past_due(service)
    async with catalog_with(user, "lite", FREE_BY_NOW):
        if asked:
            view = await user.pay_renewal()
            assert (view.payment, state_of(view.subscription)[:11]) == (None, "active lite")
        user.service.clock.advance(4 * HOUR)
        await user.service.admin.adjust(user.user, 1, "whatever comes next does what is due")
        assert state_of(await user.subscription()).startswith("active lite")
        assert user.charged() == ""


@pytest.mark.parametrize("lately", [True, False])
async def test_after_a_pause_what_was_chosen_is_to_be_taken_back(
    service: TestService, lately: bool
) -> None:
    user = await who_chose("lite", service, pausing=True)
    if lately:
        await user.until("2026-03-10")
    async with catalog_with(user, "lite", None):
        await user.until("2026-03-10")
        with pytest.raises(Conflict):
            await user.resume()
        await user.keep()
        await user.resume()
        assert state_of(await user.subscription()).startswith("active pro")


async def test_a_link_to_resume_with_stays_open(service: TestService) -> None:
    user = await who_chose("lite", service, pausing=True)
    await user.until("2026-03-10")
    user.gateway.on_file.clear()
    link = (await user.resume()).payment
    async with catalog_with(user, "lite", None):
        view = await user.resume()
        assert view.payment == link
        await user.pay(view)
        assert state_of(await user.subscription()).startswith("active lite")


async def test_what_comes_is_told_before(service: TestService) -> None:
    user = await who_chose("lite", service)
    current = service.subscriptions.current
    assert not (await current(user.user)).ends
    async with catalog_with(user, "lite", None) as later:
        assert (await later.subscriptions.current(user.user)).ends
        answer = await later.views.access(later.caller(PARAPHRASE), user.user, None)
        assert (answer.can_access, answer.cancel_at_period_end) == (True, True)
        await user.pause()
        assert not (await later.subscriptions.current(user.user)).ends
        await user.keep()
        assert not (await later.subscriptions.current(user.user)).ends


async def test_a_plan_that_is_not_sold_any_more_can_be_kept(service: TestService) -> None:
    user = await on_pro(service)
    await user.cancel()
    async with catalog_with(user, "pro", None) as later:
        await user.until("2026-02-10")
        preview = await later.subscriptions.preview(user.user, "pro", Choice())
        assert (preview.plan, preview.due, preview.credits) == ("pro", None, 0)
        assert preview.effective_at == later.clock.now()
        assert (preview.renews_at, preview.renewal) == (moment("2026-02-28"), Money(3000, "USD"))
        await user.change("pro")
        seen = await user.seen()
        assert seen.told.endswith("changed:kept")
        for ask in (user.change("gone"), later.subscriptions.preview("u", "pro", Choice())):
            with pytest.raises(NotFound):
                await ask


async def test_a_plan_that_is_not_sold_in_its_currency_any_more_renews_as_it_was(
    service: TestService,
) -> None:
    user = await on_pro(service)
    async with catalog_with(user, "pro", sold("pro", BDT=Money(350_000, "BDT"))) as later:
        preview = await later.subscriptions.preview(user.user, "pro", Choice())
        assert preview.renewal == Money(3000, "USD")
