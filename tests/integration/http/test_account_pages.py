"""What users read on their pages, and what the forms there do when things have moved meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.time import DAY as DAY_MS
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.web_session import Realm
from tests.integration.http.browsers import Browser, Page
from tests.integration.http.catalog import CATALOG
from tests.integration.http.site import OWNER, Site
from tests.integration.http.subscribers import BACK, DAY, subscribed
from tests.integration.http.support import World, running


async def _browser(world: World) -> Browser:
    return await Browser.signed_in(world, Realm.ACCOUNT)


async def _given(world: World, plan: str = "pro") -> None:
    async with world.by_admin() as admin:
        body = {"plan": plan, "reason": "a prize"}
        answer = await admin.post(f"/admin/users/{OWNER}/subscription/grant", json=body)
        assert answer.status_code < 300, answer.text


async def _ending(world: World) -> None:
    await subscribed(world, "pro", OWNER)
    async with world.by_user(OWNER) as user:
        assert (await user.delete("/subscriptions/current")).status_code == 200


Stage = Callable[[World], Awaitable[None]]


@pytest.mark.parametrize("stage", [_given, _ending])
async def test_a_plan_that_ends_anyway_can_be_ended_now(world: World, stage: Stage) -> None:
    await stage(world)
    browser = await _browser(world)
    page = await browser.look("/plan/cancel")
    assert "The plan ends now" in page.text
    # It is as the form that was sent before: its button alone, pressed again, ends nothing.
    assert page.text.count("End the plan now") == 3  # title, heading, button
    assert Page(await browser.send("/plan/cancel", page)).status == 400
    page.fields["when"] = "now"
    done = await browser.send("/plan/cancel", page)
    assert (done.status_code, done.headers["location"]) == (303, "/account/plan?done=cancelled")
    view = await world.application.subscriptions.current(OWNER)
    assert view.subscription is not None
    assert view.subscription.ended


async def _never(world: World) -> None:
    pass


async def _ended(world: World) -> None:
    await subscribed(world, "pro", OWNER)
    await world.application.subscriptions.cancel(OWNER, now=True)


@pytest.mark.parametrize("stage", [_never, _ended])
@pytest.mark.parametrize("step", ["cancel", "keep", "pause", "pay", "resume"])
async def test_without_a_plan_no_step_with_it_is_offered(
    world: World, stage: Stage, step: str
) -> None:
    await stage(world)
    browser = await _browser(world)
    page = await browser.look(f"/plan/{step}")
    assert page.status == 404
    # Neither what would come of it, nor a form but that for signing out.
    assert page.text.split("Sign out ")[1].split(" Times are")[0].count(".") == 1
    assert "There is no subscription. " in page.text
    assert set(page.fields) == {"form_token", "request_key"}
    assert page.links[-1] == "/account/plan"


@pytest.mark.parametrize(
    ("step", "told"), [("pay", "No renewal is due."), ("resume", "The subscription is not paused.")]
)
async def test_what_is_not_due_is_not_offered(world: World, step: str, told: str) -> None:
    await subscribed(world, "pro", OWNER)
    browser = await _browser(world)
    page = await browser.look(f"/plan/{step}")
    assert (page.status, told in page.text) == (409, True)
    assert "could not be renewed" not in page.text
    assert set(page.fields) == {"form_token", "request_key"}
    sent = await browser.send(f"/plan/{step}", page)
    assert (sent.status_code, told in Page(sent).text) == (409, True)


async def test_by_itself_a_plan_is_cancelled_to_its_end(world: World) -> None:
    await subscribed(world, "pro", OWNER)
    browser = await _browser(world)
    done = await browser.send("/plan/cancel", await browser.look("/plan/cancel"))
    assert done.headers["location"] == "/account/plan?done=ending"


async def test_a_cancellation_to_the_end_never_ends_a_plan_now(world: World) -> None:
    await subscribed(world, "pro", OWNER)
    browser = await _browser(world)
    form = await browser.look("/plan/cancel")
    again = await browser.look("/plan/cancel")
    for each in (form, form, again):
        done = await browser.send("/plan/cancel", each)
        assert done.headers["location"] == "/account/plan?done=ending"


async def test_no_more_is_charged_than_was_shown(world: World) -> None:
    await subscribed(world, "lite", OWNER)
    world.clock.forward(31 * DAY - 3600)
    browser = await _browser(world)
    shown = await browser.look("/plan/change/pro")
    before = (await browser.look("/payments")).text
    await world.advance(2 * 3600)
    renewed = len(world.state.payments)
    refused = await browser.send("/plan/change/pro", shown)
    assert refused.status_code == 409
    assert len(world.state.payments) == renewed
    again = Page(refused)
    price = Money(int(again.fields["due"]), again.fields["currency"])
    assert price.amount_minor > int(shown.fields.get("due", 0))
    assert f"{price} is due by now" in again.text
    assert f"Change to Pro for {price}" in again.text
    first = await browser.send("/plan/change/pro", again)
    repeat = await browser.send("/plan/change/pro", again)
    assert [first.status_code, repeat.status_code] == [303, 303]
    assert first.headers["location"] == repeat.headers["location"]
    assert len(world.state.payments) == renewed + 1
    assert str(price) not in before
    assert str(price) in (await browser.look("/payments")).text


async def _raised(world: World, minor: int) -> World:
    """The same service on a catalog in which Pro costs so much."""
    plans = dict(CATALOG.billing.plans)
    plans["pro"] = replace(plans["pro"], prices={"USD": Money(minor, "USD")})
    catalog = replace(CATALOG, billing=replace(CATALOG.billing, plans=plans))
    other = World(catalog=catalog, state=world.state)
    other.clock.at = world.clock.at
    return other


async def test_a_paused_plan_is_resumed_at_the_price_that_is_shown(world: World) -> None:
    await subscribed(world, "pro", OWNER)
    async with world.by_user(OWNER) as user:
        paused = await user.patch("/subscriptions/current", json={"paused": True})
        assert paused.status_code == 200
    await world.advance(32 * DAY)
    earlier = await _browser(world)
    before = await earlier.look("/plan/resume")
    assert "with 2,000 credits, for 30.00 USD." in before.text
    async with running(await _raised(world, 9900)) as dear:
        browser = Browser(Site(dear), earlier.signed)
        for path in ("", "/plan"):
            page = await browser.look(path)
            assert "until you resume it, then for 99.00 USD a month" in page.text
            assert "30.00 USD a month" not in page.text.split("Plans")[0]
        charged = len(dear.state.payments)
        refused = await browser.send("/plan/resume", before)
        assert (refused.status_code, len(dear.state.payments)) == (409, charged)
        again = Page(refused)
        assert "99.00 USD is due by now" in again.text
        assert "Resume the plan for 99.00 USD" in again.text
        assert (await browser.send("/plan/resume", again)).status_code == 303
        paid = await browser.look("/payments")
        assert "99.00 USD" in paid.text


async def test_a_renewal_is_told_with_the_price_that_it_will_have(world: World) -> None:
    await subscribed(world, "pro", OWNER)
    async with running(await _raised(world, 9900)) as dear:
        page = await (await _browser(dear)).look("/plan")
        assert "Price 30.00 USD a month" in page.text
        assert "for 99.00 USD" in page.text.split("Next It renews")[1].split(".00 USD .")[0]
        await dear.advance(31 * DAY)
        view = await dear.application.subscriptions.current(OWNER)
        assert view.subscription is not None
        assert view.subscription.terms.price == Money(9900, "USD")


async def test_less_may_be_charged_than_was_shown(world: World) -> None:
    await subscribed(world, "lite", OWNER)
    browser = await _browser(world)
    shown = await browser.look("/plan/change/pro")
    world.clock.forward(3600)
    now = await browser.look("/plan/change/pro")
    assert int(now.fields["due"]) < int(shown.fields["due"])
    assert (await browser.send("/plan/change/pro", shown)).status_code == 303


async def test_next_tells_of_all_that_is_planned(world: World) -> None:
    await subscribed(world, "pro", OWNER)
    browser = await _browser(world)
    for path in ("/plan/pause", "/plan/change/lite"):
        assert (await browser.send(path, await browser.look(path))).status_code == 303
    page = await browser.look("/plan")
    assert "It pauses" in page.text
    assert "changes to Lite once you resume it" in page.text
    await world.advance(32 * DAY)
    browser = await _browser(world)
    assert "until you resume it, then as Lite" in (await browser.look("/plan")).text


async def test_next_of_a_given_plan_tells_of_its_change(world: World) -> None:
    await _given(world)
    browser = await _browser(world)
    assert "It ends" in (await browser.look("/plan")).text
    path = "/plan/change/text"
    assert (await browser.send(path, await browser.look(path))).status_code == 303
    assert "It changes to Text only" in (await browser.look("/plan")).text


async def test_while_a_change_waits_for_its_payer_no_other_is_offered(world: World) -> None:
    await subscribed(world, "lite", OWNER)
    await world.gateway.forget_method(OWNER)
    browser = await _browser(world)
    changes = [link for link in (await browser.look("/plan")).links if "/plan/change/" in link]
    assert changes
    async with world.by_user(OWNER) as user:
        opened = await user.patch("/subscriptions/current", json={"plan": "pro", **BACK})
    assert opened.json()["paymentUrl"] is not None
    page = await browser.look("/plan")
    assert [link for link in page.links if "/plan/change/" in link] == []
    assert "/account/plan/keep" in page.links


async def test_a_form_after_the_session_leads_back_to_its_page(world: World) -> None:
    browser = await _browser(world)
    page = await browser.look("/buy?currency=USD")
    await world.application.sign_in.close(browser.signed.session)
    buying = {**page.fields, "credits": "50"}
    page.fields = buying
    before = world.written()
    for came_from, wanted in (
        ("http://localhost:3001/account/buy?currency=USD", "/account/buy?currency=USD"),
        ("http://[", ""),
    ):
        answer = await browser.send("/buy", page, Referer=came_from)
        assert answer.status_code == 401
        asked = Page(answer)
        assert asked.fields == {"next": wanted, "token": ""}
    assert world.written() == before


async def test_of_many_grants_the_first_are_shown(world: World) -> None:
    for day in range(1, 104):
        ends = Millis(world.clock.now() + day * DAY_MS)
        await world.application.admin_credits.adjust(OWNER, 5, "test", expires_at=ends)
    page = await (await _browser(world)).look("")
    assert page.text.count(" Shothik 5 ") == 100
    assert "And 3 more, with 15 credits available" in page.text
