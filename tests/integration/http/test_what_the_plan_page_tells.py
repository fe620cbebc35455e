"""What the account says of a plan holds, when a form is sent again or a price has changed, too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.plan import Billing
from shothik_payment.domain.model.web_session import Realm
from shothik_payment.domain.use_cases.offers import Choice
from tests.integration.http.browsers import Browser
from tests.integration.http.catalog import CATALOG
from tests.integration.http.site import OWNER
from tests.integration.http.subscribers import DAY, subscribed
from tests.integration.http.support import World, running

TOLD = {
    "begun": "The plan has begun.",
    "changed": "The change is made",
    "ending": "The plan ends with its period. Until then",
    "pausing": "The plan pauses at the end",
    "paid": "The renewal is paid.",
    "resumed": "The plan goes on. ",
    "cancelled": "The plan has ended.",
}


async def _browser(world: World) -> Browser:
    return await Browser.signed_in(world, Realm.ACCOUNT)


async def _told(browser: Browser, location: str) -> list[str]:
    assert location.startswith("/account/plan")
    page = await browser.look(location.removeprefix("/account"))
    return [done for done, words in TOLD.items() if words in page.text]


async def _declined(world: World) -> None:
    """Whatever waits for its payer."""
    view = await world.application.subscriptions.current(OWNER)
    assert view.payment is not None
    await world.pays(view.payment.payment_url or "", "declined")


async def _past_due(world: World) -> None:
    await subscribed(world, "lite", OWNER)
    await world.gateway.forget_method(OWNER)
    await world.advance(31 * DAY)


@pytest.mark.parametrize("path", ["/plan/begin/lite", "/plan/change/pro", "/plan/pay"])
async def test_what_was_declined_is_not_told_as_done(world: World, path: str) -> None:
    if path == "/plan/change/pro":
        await subscribed(world, "text", OWNER)
    if path == "/plan/pay":
        await _past_due(world)
    browser = await _browser(world)
    form = await browser.look(path)
    first = await browser.send(path, form)
    assert first.headers["location"].endswith("/go")
    await _declined(world)
    again = await browser.send(path, form)
    assert again.status_code == 303
    assert await _told(browser, again.headers["location"]) == []


async def test_what_was_taken_back_is_not_told_as_planned(world: World) -> None:
    await subscribed(world, "pro", OWNER)
    browser = await _browser(world)
    form = await browser.look("/plan/cancel")
    done = await browser.send("/plan/cancel", form)
    assert await _told(browser, done.headers["location"]) == ["ending"]
    await browser.send("/plan/keep", await browser.look("/plan/keep"))
    again = await browser.send("/plan/cancel", form)
    assert again.headers["location"] == done.headers["location"]
    assert await _told(browser, again.headers["location"]) == []


@pytest.mark.parametrize("done", TOLD)
async def test_an_address_alone_tells_nothing(world: World, done: str) -> None:
    """Nobody has a plan here, so only an end is true."""
    browser = await _browser(world)
    told = await _told(browser, f"/account/plan?done={done}")
    assert told == (["cancelled"] if done == "cancelled" else [])


@pytest.mark.parametrize("minor", [700, 1700])
async def test_a_plan_that_waits_for_its_payment_costs_what_its_link_says(
    world: World, minor: int
) -> None:
    browser = await _browser(world)
    begun = await browser.send("/plan/begin/lite", await browser.look("/plan/begin/lite"))
    plans = CATALOG.billing.plans
    sold = replace(plans["lite"], prices={"USD": Money(minor, "USD")})
    catalog = replace(CATALOG, billing=Billing({**plans, "lite": sold}))
    async with running(World(state=world.state, catalog=catalog)) as later:
        browser = await _browser(later)
        page = await browser.look("/plan/begin/lite")
        view = await later.application.subscriptions.current(OWNER)
        assert view.payment is not None
        assert f"You pay now {view.payment.price}" in page.text
        assert "dropped" not in page.text
        assert "dropped" in (await browser.look("/plan/begin/pro")).text
        again = await browser.send("/plan/begin/lite", page)
        assert again.headers["location"] == begun.headers["location"]


@pytest.mark.parametrize("paused", [False, True])
async def test_what_was_chosen_and_is_not_sold_any_more(world: World, paused: bool) -> None:
    await subscribed(world, "pro", OWNER)
    subscriptions = world.application.subscriptions
    if paused:
        await subscriptions.pause(OWNER)
    await subscriptions.change(OWNER, "lite", Choice())
    if paused:
        await world.advance(31 * DAY)
    plans = {name: plan for name, plan in CATALOG.billing.plans.items() if name != "lite"}
    async with running(
        World(state=world.state, catalog=replace(CATALOG, billing=Billing(plans)))
    ) as later:
        browser = await _browser(later)
        for path in ("/", "/plan"):
            page = await browser.look(path)
            assert (page.status, "lite, which you have chosen, is not sold" in page.text) == (
                200,
                True,
            )
        panel = await Browser.signed_in(later, Realm.ADMIN)
        page = await panel.look(f"/users/{OWNER}/subscription")
        assert (page.status, "is not sold any more as it was" in page.text) == (200, True)
        async with later.by_user(OWNER) as user:
            told = (await user.get("/subscriptions/current")).json()["subscription"]
        assert (told["nextPlan"], told["cancelAtPeriodEnd"]) == ("lite", not paused)
        page = await browser.look("/plan/resume")
        assert (page.status, set(page.fields)) == (
            409,
            {"form_token", "request_key"},
        )


async def test_ones_own_plan_is_kept_and_does_not_begin(world: World) -> None:
    await subscribed(world, "pro", OWNER)
    await world.application.subscriptions.cancel(OWNER, now=False)
    browser = await _browser(world)
    page = await browser.look("/plan/change/pro")
    assert ("Keep Pro" in page.text, "Pro begins" in page.text) == (True, False)
    assert "It renews" in page.text
    await browser.send("/plan/change/pro", page)
    view = await world.application.subscriptions.current(OWNER)
    assert view.subscription is not None
    assert not view.subscription.cancel_at_period_end


@pytest.mark.parametrize("minor", [None, 1100], ids=["not sold any more", "dearer"])
async def test_who_resumes_by_an_open_link_has_what_it_says(
    world: World, minor: int | None
) -> None:
    await subscribed(world, "pro", OWNER)
    subscriptions = world.application.subscriptions
    await subscriptions.pause(OWNER)
    await subscriptions.change(OWNER, "lite", Choice())
    await world.advance(31 * DAY)
    await world.gateway.forget_method(OWNER)
    view = await subscriptions.resume(OWNER, Choice())
    assert view.payment is not None
    price = str(view.payment.price)
    plans = {name: plan for name, plan in CATALOG.billing.plans.items() if name != "lite"}
    if minor is not None:
        lite = CATALOG.billing.plans["lite"]
        plans["lite"] = replace(lite, prices={"USD": Money(minor, "USD")})
    catalog = replace(CATALOG, billing=Billing(plans))
    async with running(World(state=world.state, catalog=catalog)) as later:
        browser = await _browser(later)
        panel = await Browser.signed_in(later, Realm.ADMIN)
        seen = {path: await browser.look(path) for path in ("/", "/plan", "/plan/resume")}
        seen["panel"] = await panel.look(f"/users/{OWNER}/subscription")
        assert [path for path, page in seen.items() if "not sold" in page.text] == []
        assert all(f"for {price}" in seen[path].text for path in ("/", "/plan"))
        again = await browser.send("/plan/resume", seen["/plan/resume"])
        assert again.headers["location"].endswith(f"{view.payment.id}/go")
