"""Forms that cancel a plan do what they said when they were loaded, in both realms."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from shothik_payment.domain.model.web_session import Realm
from shothik_payment.domain.use_cases.offers import Choice
from tests.integration.http.browsers import Browser, Page
from tests.integration.http.catalog import CATALOG
from tests.integration.http.site import OWNER
from tests.integration.http.subscribers import DAY, subscribed
from tests.integration.http.support import World, running


@dataclass(frozen=True, slots=True)
class CancelForm:
    """`told`: where it leads to when it was done."""

    realm: Realm
    path: str
    told: str

    async def loaded(self, world: World) -> Page:
        return await (await Browser.signed_in(world, self.realm)).look(self.path)

    async def sent(self, world: World, form: Page, when: str) -> tuple[int, str]:
        """In a session of its own: the one that it was loaded in may have ended."""
        browser = await Browser.signed_in(world, self.realm)
        form.fields |= {"form_token": browser.signed.session.form_token, "when": when}
        form.fields["reason"] = "test"
        answer = await browser.send(self.path, form)
        where = answer.headers.get("location") or Page(answer).text
        return answer.status_code, where.removeprefix(self.told)


FORMS = [
    CancelForm(Realm.ACCOUNT, "/plan/cancel", "/account/plan?done="),
    CancelForm(
        Realm.ADMIN,
        f"/users/{OWNER}/subscription/cancel",
        f"/admin/users/{OWNER}/subscription?done=",
    ),
]
of_both = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.realm)


async def status(world: World) -> str:
    view = await world.application.subscriptions.current(OWNER)
    assert view.subscription is not None
    return view.subscription.status


async def declined(world: World) -> None:
    await world.gateway.forget_method(OWNER)
    await world.advance(31 * DAY)
    assert await status(world) == "past_due"


@of_both
async def test_at_the_end_is_not_at_once_when_the_renewal_was_declined_meanwhile(
    world: World, form: CancelForm
) -> None:
    await subscribed(world, "pro", OWNER)
    page = await form.loaded(world)
    assert page.fields["when"] == "end"
    await declined(world)
    code, text = await form.sent(world, page, "end")
    assert (code, "The plan would end now" in text) == (409, True)
    assert await status(world) == "past_due"


@of_both
async def test_a_form_that_was_done_says_the_same_again(world: World, form: CancelForm) -> None:
    await subscribed(world, "pro", OWNER)
    page = await form.loaded(world)
    assert await form.sent(world, page, "end") == (303, "ending")
    await world.application.subscriptions.keep(OWNER)
    await declined(world)
    assert await form.sent(world, page, "end") == (303, "ending")
    await world.advance(9 * DAY)
    assert await form.sent(world, page, "end") == (303, "ending")
    assert await status(world) == "expired"


@of_both
async def test_what_does_not_last_is_ended_by_who_chooses_so(
    world: World, form: CancelForm
) -> None:
    await subscribed(world, "pro", OWNER)
    await declined(world)
    page = await form.loaded(world)
    # It is as a form that was sent before: its button alone, pressed again, ends nothing.
    assert page.fields["when"] == ""
    assert (await form.sent(world, page, ""))[0] == 400
    assert await status(world) == "past_due"
    for _ in range(2):
        assert await form.sent(world, page, "now") == (303, "cancelled")
    assert await status(world) == "cancelled"
    await subscribed(world, "lite", OWNER)
    assert await form.sent(world, page, "now") == (303, "cancelled")
    assert await status(world) == "active"


async def _another_plan(world: World) -> None:
    await world.application.subscriptions.change(OWNER, "pro", Choice())


async def _another_of_the_plan(world: World) -> None:
    await world.application.subscriptions.cancel(OWNER, now=True)
    await subscribed(world, "lite", OWNER)


async def _another_period(world: World) -> None:
    await world.advance(31 * DAY)


async def _paid(world: World) -> None:
    view = await world.application.subscriptions.current(OWNER)
    assert view.payment is not None
    await world.pays(view.payment.payment_url or "")


@of_both
@pytest.mark.parametrize("what", [_another_plan, _another_of_the_plan, _another_period, _paid])
@pytest.mark.parametrize("when", ["end", "now"])
async def test_only_what_the_page_told_of_is_cancelled(
    world: World, form: CancelForm, what: Callable[[World], Awaitable[None]], when: str
) -> None:
    if what is _paid:
        await world.application.subscriptions.subscribe(OWNER, "lite", Choice())
    else:
        await subscribed(world, "lite", OWNER)
    page = await form.loaded(world)
    await what(world)
    before = (await world.application.subscriptions.current(OWNER)).subscription
    assert before is not None
    assert before.status == "active"
    code, text = await form.sent(world, page, when)
    assert (code, "stands otherwise: nothing is ended" in text) == (409, True)
    assert (await world.application.subscriptions.current(OWNER)).subscription == before
    done = {"end": "ending", "now": "cancelled"}[when]
    assert await form.sent(world, await form.loaded(world), when) == (303, done)


@of_both
async def test_a_plan_may_have_a_long_name(form: CancelForm) -> None:
    name, pro = "p" * 128, CATALOG.billing.plans["pro"]
    plan = replace(pro, terms=replace(pro.terms, plan=name))
    billing = replace(CATALOG.billing, plans={**CATALOG.billing.plans, name: plan})
    async with running(World(catalog=replace(CATALOG, billing=billing))) as world:
        await subscribed(world, name, OWNER)
        assert await form.sent(world, await form.loaded(world), "end") == (303, "ending")
