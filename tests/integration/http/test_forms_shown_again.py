"""A form whose answer was lost comes back as it was sent: to press its button again is safe."""

from __future__ import annotations

import pytest

from shothik_payment.domain.model.web_session import Realm
from tests.integration.http.browsers import Browser, Page
from tests.integration.http.parts import ForgetfulKeys, GatedStore
from tests.integration.http.site import OWNER, Site
from tests.integration.http.subscribers import subscribed
from tests.integration.http.support import World

KEY = "request_key"


async def _pressed_twice(
    browser: Browser, path: str, store: ForgetfulKeys | GatedStore, lost: int, **typed: str
) -> Page:
    """The answer to the first press is lost with that of the store's commit with this number. What
    the second press leads to: a page, or where to go on in `links`."""
    form = await browser.look(path)
    form.fields |= typed
    store.lost_answer = lost
    again = Page(await browser.send(path, form))
    assert again.status == 503
    assert "Send this form again as it is" in again.text
    assert again.fields == form.fields
    answer = await browser.send(path, again)
    assert answer.status_code in (200, 303), answer.text
    done = Page(answer)
    done.links += [answer.headers["location"]] if answer.status_code == 303 else []
    return done


async def test_an_adjustment(world: World, admin: Browser) -> None:
    path = f"/users/{OWNER}/adjust"
    done = await _pressed_twice(admin, path, world.store, 1, amount="100", reason="x")
    assert done.links == [f"/admin/users/{OWNER}?done=adjusted"]
    assert (await world.application.wallet_views.wallet(OWNER)).available == 100


@pytest.mark.parametrize("lost", [1, 2])
async def test_a_partial_refund(world: World, admin: Browser, lost: int) -> None:
    """The second commit comes after the gateway has paid it back; after the first alone, whoever
    looks after payments goes on."""
    async with world.by_user(OWNER) as user:
        opened = (await user.post("/payments/initiate", json={"packId": "credits_100"})).json()
    await world.pays(opened["paymentUrl"])
    path = f"/payments/{opened['paymentId']}/refund"
    await _pressed_twice(admin, path, world.store, lost, amount="2.00", reason="x")
    await world.advance(3600)
    payment = await world.application.payments.get(opened["paymentId"])
    assert payment is not None
    assert (payment.refunded_minor, len(payment.refunds)) == (200, 1)


async def test_a_longer_period(world: World, admin: Browser) -> None:
    await subscribed(world, "pro", OWNER)
    before = (await world.application.subscriptions.current(OWNER)).subscription
    path = f"/users/{OWNER}/subscription/extend"
    await _pressed_twice(admin, path, world.store, 1, days="1", reason="x")
    after = (await world.application.subscriptions.current(OWNER)).subscription
    assert before is not None
    assert after is not None
    assert after.period_end - before.period_end == 86_400_000


async def test_a_new_key(world: World, admin: Browser) -> None:
    typed = {"service": "paraphrase_service", "name": "jobs"}
    done = await _pressed_twice(admin, "/keys/new", world.keys, 1, **typed)
    assert len(world.state.api_keys) == 1
    assert "made when the form was first sent" in done.text


@pytest.mark.parametrize("lost", [1, 2])
async def test_a_purchase(world: World, lost: int) -> None:
    browser = await Browser.signed_in(world, Realm.ACCOUNT)
    await _pressed_twice(browser, "/buy", world.store, lost, credits="50")
    assert len(world.state.payments) == 1


async def test_other_values_get_another_request_key_once_they_were_refused(
    world: World, admin: Browser
) -> None:
    path = f"/users/{OWNER}/adjust"
    form = await admin.look(path)
    form.fields |= {"amount": "none", "reason": "x"}
    refused = Page(await admin.send(path, form))
    assert (refused.status, refused.fields[KEY]) == (400, form.fields[KEY])
    refused.fields["amount"] = "100"
    world.store.lost_answer = 1
    lost = Page(await admin.send(path, refused))
    lost.fields["amount"] = "30"
    reused = Page(await admin.send(path, lost))
    assert reused.status == 422
    assert "Look first" in reused.text
    assert reused.fields[KEY] != lost.fields[KEY]
    assert (await admin.send(path, reused)).status_code == 303
    assert (await world.application.wallet_views.wallet(OWNER)).available == 130


@pytest.mark.parametrize("name", [KEY, "form_token"])
async def test_what_makes_a_form_one_may_not_be_said_in_two_ways(
    world: World, admin: Browser, name: str
) -> None:
    path = f"/users/{OWNER}/adjust"
    form = await admin.look(path)
    form.fields |= {"amount": "100", "reason": "x"}
    given = form.fields[name]

    async def status_of(*said: str) -> int:
        data = {**form.fields, name: said}
        cookies = admin.signed.cookies()
        return (await Site(world).ask("POST", f"/admin{path}", cookies, data=data)).status_code

    for twice in ([given, "another"], [given, ""], ["another", given]):
        assert await status_of(*twice) == (400 if name == KEY else 403)
    assert (await world.application.wallet_views.wallet(OWNER)).available == 0
    assert await status_of(given, given) == 303
