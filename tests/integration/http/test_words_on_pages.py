"""Pages speak of fields, money and reasons as they show them, not as the API names them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shothik_payment.domain.model.time import DAY, Millis
from shothik_payment.domain.model.web_session import Realm
from tests.integration.http.browsers import Browser, Page
from tests.integration.http.site import OWNER
from tests.integration.http.support import World, running


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with running(World(public_url="http://localhost:3001")) as started:
        yield started


@pytest.fixture
async def admin(world: World) -> Browser:
    return await Browser.signed_in(world, Realm.ADMIN)


@pytest.mark.parametrize(
    ("path", "typed", "told"),
    [
        ("/keys/new", {"allowedIps": "10.0.0.1 host"}, "Addresses it may be used from, no. 2: "),
        ("/keys/new", {"expiresAt": "2020-01-01T00:00"}, "Ends: "),
        ("/events/replay", {}, "I am sure that these are to be told again: "),
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
    assert "1000000.00 USD is more than the 10.00 USD that is left" in refused.text
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


async def test_one_is_not_told_as_many(world: World, admin: Browser) -> None:
    ends = Millis(world.clock.now() + DAY)
    await world.application.key_administration.generate("paraphrase", actor="test", expires_at=ends)
    page = await admin.look("")
    assert "1 key ends within a week" in page.text
    assert "0 payments today" in page.text
