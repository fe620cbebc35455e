"""Pages speak of fields, money and reasons as they show them, not as the API names them."""

from __future__ import annotations

import re

import pytest

from shothik_payment.domain.model.time import DAY, SECOND, Millis
from shothik_payment.domain.model.web_session import Realm
from shothik_payment.domain.use_cases.offers import Choice
from shothik_payment.domain.use_cases.takeover import OldSubscription, OldWallet
from tests.integration.http.browsers import Browser, Page
from tests.integration.http.site import OWNER, Site
from tests.integration.http.subscribers import subscribed
from tests.integration.http.support import World


@pytest.mark.parametrize(
    ("path", "typed", "told"),
    [
        ("/keys/new", {"allowedIps": "10.0.0.1 host"}, "Addresses it may be used from, no. 2: "),
        ("/keys/new", {"expiresAt": "2020-01-01T00:00"}, "Ends: "),
        ("/events/replay", {}, "I am sure that these are to be told again: "),
        ("/events/replay", {"to": "2020"}, "Before: "),
        (f"/users/{OWNER}/adjust", {"amount": "5", "expiresAt": "2020"}, "Until: "),
        (f"/users/{OWNER}/adjust", {"amount": "none"}, "Credits: "),
    ],
)
async def test_fields_go_by_their_labels(
    admin: Browser, path: str, typed: dict[str, str], told: str
) -> None:
    form = await admin.look(path)
    form.fields |= {"service": "paraphrase_service", "scopes": "credits:read", "reason": "r"}
    form.fields |= typed
    refused = Page(await admin.send(path, form))
    assert refused.status == 400
    assert told + "expected " in refused.text


async def test_too_large_a_refund_is_told_in_money(world: World, admin: Browser) -> None:
    async with world.by_user(OWNER) as user:
        opened = (await user.post("/payments/initiate", json={"packId": "credits_100"})).json()
    await world.pays(opened["paymentUrl"])
    path = f"/payments/{opened['paymentId']}/refund"
    form = await admin.look(path)
    form.fields |= {"amount": "1000000.00", "reason": "x"}
    refused = Page(await admin.send(path, form))
    assert "1,000,000.00 USD is more than the 10.00 USD that is left" in refused.text
    assert "minor" not in refused.text


async def test_reasons_are_words_and_what_people_wrote_is_quoted(
    world: World, admin: Browser
) -> None:
    ends = Millis(world.clock.now() + 60_000)
    await world.application.admin_credits.adjust(OWNER, 5, "a \u202egift", expires_at=ends)
    await world.advance(120)
    owner = await Browser.signed_in(world, Realm.ACCOUNT)
    admin = await Browser.signed_in(world, Realm.ADMIN)
    for page in (await owner.look("/history"), await admin.look(f"/users/{OWNER}/ledger")):
        assert "grant_expired" not in page.text
        assert "reached its end" in page.text
        assert "“ a \u202egift ”" in page.text  # in an element of its own


async def test_a_hold_s_feature_turns_no_other_text(world: World, admin: Browser) -> None:
    await world.application.admin_credits.adjust(OWNER, 5, "x")
    _, plain = await world.application.key_administration.generate("paraphrase", actor="test")
    async with world.client(f"ApiKey {plain}") as service:
        body = {"userId": OWNER, "amount": 1, "feature": "\u202ejobs"}
        assert (await service.post("/holds", json=body)).status_code == 200
    page = await Site(world).ask("GET", f"/admin/users/{OWNER}", admin.signed.cookies())
    in_list_and_ledger = 2
    assert page.text.count("\u202ejobs") == in_list_and_ledger
    assert page.text.count("<bdi>\u202ejobs</bdi>") == in_list_and_ledger


async def test_a_plan_s_steps_quote_people_and_not_codes(world: World) -> None:
    await subscribed(world, "pro", OWNER)
    use = world.application.subscriptions
    await use.cancel(OWNER, now=False)
    await use.keep(OWNER)
    await use.pause(OWNER)
    await use.change(OWNER, "lite", Choice())
    await use.keep(OWNER)
    await world.gateway.forget_method(OWNER)
    await world.advance(31 * DAY // SECOND)
    await use.extend(OWNER, 1, "an outage")
    await use.cancel(OWNER, now=True, reason="by mail")
    for realm, path in ((Realm.ACCOUNT, "/plan"), (Realm.ADMIN, f"/users/{OWNER}/subscription")):
        text = (await (await Browser.signed_in(world, realm)).look(path)).text
        assert re.findall("“ (.*?) ”", text) == ["by mail", "an outage"]
        lite = "Lite" if realm is Realm.ACCOUNT else "lite"
        for told in ("end", "pause", lite):
            assert f"to {told} with the period" in text
        assert "payment due" in text


async def test_what_an_import_took_over_says_so(world: World, admin: Browser) -> None:
    takeover = world.application.takeover
    await takeover.take(OldWallet(OWNER, 5))
    begun, ends = world.clock.now(), Millis(world.clock.now() + DAY)
    await takeover.take(OldSubscription(OWNER, "pro", begun, ends))
    owner = await Browser.signed_in(world, Realm.ACCOUNT)
    user = f"/users/{OWNER}"
    pages = [await owner.look(path) for path in ("/history", "/plan")]
    pages += [await admin.look(path) for path in (f"{user}/ledger", f"{user}/subscription")]
    for page in pages:
        assert "taken over from the service before" in page.text
        assert "“" not in page.text


async def test_a_key_that_is_gone_spoils_no_other(world: World, admin: Browser) -> None:
    key, _ = await world.application.key_administration.generate("paraphrase", actor="test")
    for action in ("revoke", "rotate"):
        page = await admin.look(f"/keys/{action}?keyIds={key.id}&keyIds=key_nope&keyIds={key.id}")
        assert (page.status, page.fields["keyIds"]) == (200, key.id)
        assert "There is no key key_nope" in page.text
        assert page.links.count(f"/admin/keys/{key.id}") == 2  # its row, and the way back
    assert (await admin.look("/keys/revoke?keyIds=key_nope")).status == 404


async def test_a_first_payment_is_tried_again_for_the_same_plan(world: World) -> None:
    owner = await Browser.signed_in(world, Realm.ACCOUNT)
    async with world.by_user(OWNER) as user:
        opened = (await user.post("/subscriptions", json={"plan": "pro"})).json()
        await world.pays(opened["paymentUrl"], "declined")
        (payment,) = (await user.get("/payments")).json()["payments"]
    page = await owner.look(f"/payments/{payment['id']}")
    again = f"/account/plan/begin/pro?currency=USD&gateway={payment['gateway']}"
    assert again in page.links
    begun = await owner.look(again.removeprefix("/account"))
    assert (begun.status, begun.fields["currency"]) == (200, "USD")
    await subscribed(world, "lite", OWNER)  # by now there is one, which can only be changed
    assert "/account/plan/begin/" not in "".join(
        (await owner.look(f"/payments/{payment['id']}")).links
    )


async def test_what_is_no_user_id_goes_by_the_label_of_the_search(admin: Browser) -> None:
    page = await admin.look("/users?find=a%2Fb")
    assert (page.status, "Find a user: expected a user id" in page.text) == (400, True)


@pytest.mark.parametrize("text", ["txn_1a20001k5v8", "pay_1a20001k5v8", "txn_a%2Fb", "pay_%00"])
async def test_who_looks_for_what_there_is_not_is_told_so(admin: Browser, text: str) -> None:
    page = await admin.look(f"/users?find={text}")
    assert (page.status, "a ledger row or a payment that there is" in page.text) == (400, True)


async def test_a_key_leads_back_to_the_list(world: World, admin: Browser) -> None:
    key, _ = await world.application.key_administration.generate("paraphrase", actor="test")
    page = await admin.look(f"/keys/{key.id}")
    assert page.links.count("/admin/keys") == 2  # in the head, and above the key


@pytest.mark.parametrize(
    ("user", "told"),
    [
        ("u1", "1 event was told again; services were told anew how 1 user stands."),
        ("nobody", "No event is like that, so nothing was told again and no queue was looked for."),
    ],
)
async def test_what_was_told_again(world: World, admin: Browser, user: str, told: str) -> None:
    await world.application.key_administration.generate("paraphrase", actor="test")
    await world.give("u1", 5)
    await world.application.user_admin.freeze("u1", "test", actor="test")
    await world.publish()
    world.clock.forward(60)
    form = await admin.look("/events/replay")
    form.fields |= {"from": "2030-01-01T00:00", "to": "2031-01-01T00:00", "user": user}
    form.fields |= {"target": "everyone", "queue": "", "sure": "yes"}
    done = await admin.send("/events/replay", form)
    page = await admin.look(done.headers["location"].removeprefix("/admin"))
    assert told in page.text


async def test_one_is_not_told_as_many(world: World, admin: Browser) -> None:
    ends = Millis(world.clock.now() + DAY)
    await world.application.key_administration.generate("paraphrase", actor="test", expires_at=ends)
    page = await admin.look("")
    assert "1 key ends within a week" in page.text
    assert "0 payments today" in page.text
