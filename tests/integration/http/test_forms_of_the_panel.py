"""What the panel's forms say, and do, when something has changed since they were loaded."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from shothik_payment.domain.model.api_key import ApiKey
from shothik_payment.domain.model.time import DAY, HOUR, Millis
from shothik_payment.domain.model.web_session import Realm
from shothik_payment.domain.ports.api_keys import KeyChange
from shothik_payment.domain.use_cases.key_terms import KeyUpdate
from shothik_payment.entrypoints.http.times import millis
from tests.integration.http.site import OWNER, Site
from tests.integration.http.subscribers import subscribed
from tests.integration.http.support import World, running

pytestmark = pytest.mark.asyncio

_INPUT = re.compile(r"<(input|textarea)([^>]*)>([^<]*)")


class Admin:
    """A browser that is signed in to the panel; `zone` is what its script said."""

    def __init__(self, site: Site) -> None:
        self.site, self.zone = site, "UTC"
        self.cookies: dict[str, str] = {}

    async def sign_in(self) -> None:
        self.cookies = (await self.site.signed(Realm.ADMIN)).cookies()

    async def get(self, path: str, **query: str) -> httpx.Response:
        cookies = {**self.cookies, "zone": self.zone}
        return await self.site.ask("GET", f"/admin{path}", cookies, params=query)

    async def form(self, path: str) -> dict[str, list[str]]:
        """As a browser would send it untouched."""
        page = await self.get(path)
        fields: dict[str, list[str]] = {}
        for _, attributes, inner in _INPUT.findall(page.text.split("</header>")[1]):
            given = dict(re.findall(r'(\w+)="([^"]*)"', attributes))
            if given.get("type") != "checkbox" or attributes.rstrip().endswith("checked"):
                fields.setdefault(given["name"], []).append(unescape(given.get("value", inner)))
        return fields

    async def audit_log(self, key: ApiKey) -> str:
        """As it is read, without its markup."""
        page = await self.get(f"/keys/{key.id}")
        assert page.status_code == 200
        return re.sub("<[^>]*>", "", page.text.split("Audit log")[1])

    async def send(self, path: str, fields: dict[str, Any]) -> httpx.Response:
        cookies = {**self.cookies, "zone": self.zone}
        return await self.site.ask("POST", f"/admin{path}", cookies, data=fields)


@asynccontextmanager
async def at_work() -> AsyncIterator[tuple[World, Admin]]:
    async with running(World()) as world:
        admin = Admin(Site(world))
        await admin.sign_in()
        yield world, admin


async def made(world: World, name: str = "jobs", **terms: Any) -> ApiKey:
    administration = world.application.key_administration
    return (await administration.generate("paraphrase", actor="test", name=name, **terms))[0]


async def stored(world: World, key: ApiKey) -> ApiKey:
    return await world.application.key_administration.get(key.id)


async def test_a_form_changes_only_what_was_changed_in_it() -> None:
    async with at_work() as (world, admin):
        key = await made(world)
        path = f"/keys/{key.id}/change"
        mine, others = await admin.form(path), await admin.form(path)
        narrow = {"scopes": ["credits:deduct"], "allowedIps": "10.0.0.0/8", "rateLimit": "5"}
        assert (await admin.send(path, others | narrow)).status_code == 303
        refused = await admin.send(path, mine | {"name": "renamed", "rateLimit": "none"})
        assert refused.status_code == 400
        assert (await admin.send(path, mine | {"name": "renamed"})).status_code == 303
        now = await stored(world, key)
        assert (now.name, now.scopes) == ("renamed", ["credits:deduct"])
        assert (now.allowed_ips, now.rate_limit) == (["10.0.0.0/8"], 5)
        lifted = await admin.form(path) | {"allowedIps": "", "rateLimit": ""}
        assert (await admin.send(path, lifted)).status_code == 303
        now = await stored(world, key)
        assert (now.allowed_ips, now.rate_limit) == ([], None)


async def test_a_key_that_may_do_nothing_is_renamed() -> None:
    async with at_work() as (world, admin):
        key = await made(world, scopes=[])
        path = f"/keys/{key.id}/change"
        form = await admin.form(path)
        assert (await admin.send(path, form | {"name": "renamed"})).status_code == 303
        assert (now := await stored(world, key)).name == "renamed"
        assert now.scopes == []
        some = await admin.form(path) | {"scopes": ["credits:read"]}
        assert (await admin.send(path, some)).status_code == 303
        none = await admin.form(path) | {"scopes": []}
        assert (await admin.send(path, none)).status_code == 400
        assert (await stored(world, key)).scopes == ["credits:read"]


async def test_a_key_has_as_many_networks_in_the_panel_as_over_http() -> None:
    async with at_work() as (world, admin):
        key = await made(world)
        path = f"/keys/{key.id}/change"
        for count, status in ((101, 400), (100, 303)):
            networks = "\n".join(f"10.0.0.{n}" for n in range(count))
            sent = await admin.form(path) | {"allowedIps": networks}
            assert (await admin.send(path, sent)).status_code == status
        assert len((await stored(world, key)).allowed_ips) == 100


async def test_times_are_of_the_zone_that_the_form_was_shown_in() -> None:
    async with at_work() as (world, admin):
        key = await made(world, expires_at=Millis(world.clock.now() + 10 * DAY))
        path = f"/keys/{key.id}/change"
        form = await admin.form(path)
        admin.zone = "Asia/Dhaka"
        typed = {"expiresAt": "2030-03-25T12:00"}
        again = await admin.send(path, form | typed | {"rateLimit": "none"})
        assert 'name="zone" value="UTC"' in again.text
        assert "In UTC." in again.text
        assert (await admin.send(path, form | typed)).status_code == 303
        assert (await stored(world, key)).expires_at == 1_900_670_400_000
        fresh = await admin.form(path)
        assert (await admin.send(path, fresh | typed)).status_code == 303
        assert (await stored(world, key)).expires_at == 1_900_670_400_000 - 6 * HOUR


async def test_a_subscription_that_lasts_ends_with_its_period() -> None:
    async with at_work() as (world, admin):
        await subscribed(world)
        path = "/users/u1/subscription/cancel"
        assert 'value="end"' in (await admin.get(path)).text
        form = await admin.form(path) | {"when": "end", "reason": "test"}
        told = await admin.send(path, form)
        assert told.headers["location"] == "/admin/users/u1/subscription?done=ending"
        assert re.findall(r'<option value="(\w*)"', (await admin.get(path)).text) == ["", "now"]


@pytest.mark.parametrize("action", ["rotate", "revoke"])
async def test_what_came_of_keys(action: str) -> None:
    async with at_work() as (world, admin):
        gone, lives = await made(world, "gone"), await made(world, "lives")
        await world.application.key_administration.revoke(gone.id, actor="test")
        form = await admin.form("/keys/new")
        sent = {name: form[name] for name in ("form_token", "request_key", "zone")}
        path = f"/keys/{action}"
        one = await admin.send(path, sent | {"keyIds": gone.id})
        both = await admin.send(
            path, sent | {"request_key": "another", "keyIds": [gone.id, lives.id]}
        )
        assert both.status_code == 200
        if action == "revoke":  # again is the same answer
            assert (one.status_code, "Keys revoked" in both.text) == (303, True)
        else:
            assert (one.status_code, "Rotate this key" in one.text) == (409, True)
            assert "1 of 2 keys rotated" in both.text


@pytest.mark.parametrize("page", ["unfreeze", "subscription/extend", "subscription/cancel"])
async def test_what_cannot_be_done_has_no_button(page: str) -> None:
    async with at_work() as (_, admin):
        answer = await admin.get(f"/users/u1/{page}")
        assert answer.status_code in (404, 409)
        assert 'role="alert"' in answer.text
        assert "<form" not in answer.text.split("</header>")[1]


async def test_an_unpaid_payment_cannot_be_refunded_on_its_page() -> None:
    async with at_work() as (world, admin):
        async with world.by_user("u1") as user:
            opened = (await user.post("/payments/initiate", json={"packId": "credits_100"})).json()
        path = f"/payments/{opened['paymentId']}/refund"
        unpaid = await admin.get(path)
        assert (unpaid.status_code, "can be returned" in unpaid.text) == (409, False)
        await world.pays(opened["paymentUrl"])
        paid = await admin.get(path)
        assert (paid.status_code, "can be returned" in paid.text) == (200, True)


async def test_a_key_whose_name_cannot_be_seen_goes_by_its_id() -> None:
    async with at_work() as (world, admin):
        key = await made(world)
        await world.keys.commit(KeyChange((), [replace(key, name="\u3164")]))
        link = f'<a href="/admin/keys/{key.id}">{key.id}</a>'
        assert link in (await admin.get("/keys")).text
        changed = await admin.form(f"/keys/{key.id}/change") | {"rateLimit": "5"}
        assert (await admin.send(f"/keys/{key.id}/change", changed)).status_code == 303
        assert (await stored(world, key)).rate_limit == 5


async def test_keys_are_listed_newest_first() -> None:
    async with at_work() as (world, admin):
        names = [(await made(world, f"n{number}")).name for number in range(43)][::-1]
        for query in ({}, {"q": "n"}, {"service": "paraphrase_service", "status": "active"}):
            first = (await admin.get("/keys", **query)).text
            (following,) = re.findall(r'href="/admin/keys\?([^"]*cursor=[^"]+)"', first)
            last = (await admin.get("/keys", **dict(parse_qsl(unescape(following))))).text
            shown = [re.findall(r'/keys/key_\w+">(\w+)</a>', page) for page in (first, last)]
            assert shown == [names[:40], names[40:]]


async def test_keys_are_found_by_any_name_and_what_is_left_out_is_said() -> None:
    async with at_work() as (world, admin):
        await made(world, "key_for_nights")
        assert "key_for_nights</a>" in (await admin.get("/keys", q="key_for_nights")).text
        for number in range(41):
            await made(world, f"n{number}", expires_at=Millis(world.clock.now() + DAY))
        ending = (await admin.get("/keys", status="ending")).text
        assert (ending.count('name="keyIds"'), "These are the first 40" in ending) == (40, True)


@pytest.mark.parametrize(
    ("path", "field", "length"), [("/users", "find", 201), ("/keys", "q", 129)]
)
async def test_a_search_that_is_refused_comes_back_in_its_form(
    path: str, field: str, length: int
) -> None:
    async with at_work() as (_, admin):
        answer = await admin.get(path, **{field: "x" * length})
        assert answer.status_code == 400
        assert f'value="{"x" * length}"' in answer.text


async def test_no_figures_are_shown_that_an_address_made_up() -> None:
    async with at_work() as (world, admin):
        await world.give("u1", 5)
        await world.publish()
        world.clock.forward(60)
        path = "/events/replay"
        span = {"from": "2030-01-01T00:00", "to": "2031-01-01T00:00"}
        rest = {"target": "everyone", "sure": "yes", "user": "u1"}
        done = await admin.send(path, await admin.form(path) | span | rest)
        assert done.status_code == 303, done.text
        address, query = done.headers["location"].removeprefix("/admin").split("?")
        given = dict(part.split("=") for part in query.split("&"))
        assert "1 event was told again" in (await admin.get(address, **given)).text
        made_up = await admin.get(address, **{**given, "replayed": "1000000"})
        assert (made_up.status_code, "events were told again" in made_up.text) == (200, False)


async def test_moments_in_an_audit_log_are_in_the_operators_zone() -> None:
    async with at_work() as (world, admin):
        key = await made(world, expires_at=millis(datetime(2040, 1, 1, 20, tzinfo=UTC)))
        end = KeyUpdate(expires_at=millis(datetime(2040, 1, 2, 20, tzinfo=UTC)))
        await world.application.key_administration.update(key.id, end, actor="test")
        admin.zone = "Asia/Dhaka"
        assert "expiresAt 2040-01-03 02:00:00" in await admin.audit_log(key)
        endless = KeyUpdate(expires_at=None)
        await world.application.key_administration.update(key.id, endless, actor="test")
        assert "expiresAt never" in await admin.audit_log(key)


@pytest.mark.parametrize("name", ["2040-01-02T20:00:00.000Z", "2040-99-99T99:99:99.999Z"])
async def test_a_name_that_looks_like_a_moment_is_a_name_in_an_audit_log(name: str) -> None:
    async with at_work() as (world, admin):
        key = await made(world, name)
        admin.zone = "Asia/Dhaka"
        assert f"name {name}" in await admin.audit_log(key)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Dhaka"])
async def test_no_end_that_no_calendar_shows(zone: str) -> None:
    async with at_work() as (world, admin):
        admin.zone = zone
        path = f"/users/{OWNER}/adjust"
        fields = {**await admin.form(path), "amount": "1", "reason": "r", "zone": zone}
        before = world.written()
        answer = await admin.send(path, {**fields, "expiresAt": "9999-12-31T23:59"})
        assert answer.status_code == 400
        assert world.written() == before
        assert (await admin.get(f"/users/{OWNER}")).status_code == 200
        answer = await admin.send(path, {**fields, "expiresAt": "2199-12-30T23:59"})
        assert answer.status_code == 303
        for shown in ("Asia/Dhaka", "America/New_York"):
            admin.zone = shown
            assert (await admin.get(f"/users/{OWNER}")).status_code == 200
