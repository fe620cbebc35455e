"""Who may see which page, and whose forms are acted on: every route below /admin and /account."""

from __future__ import annotations

from collections.abc import AsyncIterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from litestar.routes import HTTPRoute

from shothik_payment.domain.model.web_session import Realm
from shothik_payment.domain.use_cases.sign_in import SESSION_MS
from shothik_payment.entrypoints.pages.signing_in import ATTEMPTS_PER_MINUTE
from tests.integration.http.operations import changed, stored
from tests.integration.http.site import OWNER, SCRIPT, YEAR_SECONDS, Site
from tests.integration.http.support import World, running, token

pytestmark = pytest.mark.asyncio(loop_scope="module")

_OTHER = {Realm.ADMIN: Realm.ACCOUNT, Realm.ACCOUNT: Realm.ADMIN}
# What there is before signing in: there, and where a gateway sends a browser that brings no cookie.
_OPEN = ("/admin/sign-in", "/account/sign-in", "/account/returned/{id}")
_NO_PAGE = ("/admin/{page}", "/account/{page}")
_LOADS = ("src", "href", "action", "formaction", "data", "poster")


def _routes() -> list[tuple[str, str]]:
    found = set()
    for route in World().app.routing.routes:
        path = route.path_format
        realm = path.split("/")[1]
        if isinstance(route, HTTPRoute) and realm in list(Realm) and "/api-keys" not in path:
            found.update((str(method), path) for method in set(route.methods) - {"OPTIONS"})
    return sorted(found)


ROUTES = _routes()
CLOSED = [(method, path) for method, path in ROUTES if path not in _OPEN + _NO_PAGE]
FORMS = [path for method, path in CLOSED if method == "POST"]
OPEN = [path for method, path in ROUTES if method == "GET" and path in _OPEN + _NO_PAGE]
SEEN = [path for method, path in ROUTES if method == "GET"]


def _realm(path: str) -> Realm:
    return Realm(path.split("/")[1])


async def _unfreeze(site: Site) -> None:
    """A form may have frozen the user, and what a frozen user is refused has status 403, too."""
    async with site.world.by_admin() as admin:
        await admin.post(f"/admin/users/{OWNER}/unfreeze", json={"reason": "test"})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site() -> AsyncIterator[Site]:
    async with running(World()) as world:
        site = Site(world)
        await site.stage()
        yield site


@pytest.mark.parametrize(("method", "path"), CLOSED)
async def test_a_page_is_for_those_signed_in_to_its_realm(
    site: Site, method: str, path: str
) -> None:
    realm = _realm(path)
    own, elsewhere = await site.signed(realm), await site.signed(_OTHER[realm])
    gone, ended = await site.signed(realm), await site.signed(realm, seconds=10)
    await site.world.application.sign_in.close(gone.session)
    site.world.clock.forward(10)
    data = {"form_token": own.session.form_token, "request_key": "k", **site.fields()}
    form: dict[str, Any] = {"data": data} if method == "POST" else {}
    bearer = {"Authorization": f"Bearer {token(OWNER, role='admin')}"}
    before = stored(site.world)
    got = {
        "nobody": await site.ask(method, path, **form),
        "a token without a session": await site.ask(method, path, headers=bearer, **form),
        "a made-up cookie": await site.ask(method, path, {f"shothik_{realm}": "x" * 48}, **form),
        "signed out": await site.ask(method, path, gone.cookies(), **form),
        "its time is over": await site.ask(method, path, ended.cookies(), **form),
        "the other realm": await site.ask(method, path, elsewhere.cookies(), **form),
        "the other's, renamed": await site.ask(method, path, elsewhere.cookies(realm), **form),
    }
    assert {who: answer.status_code for who, answer in got.items()} == {
        **dict.fromkeys(got, 401),
        "the other's, renamed": 403,
    }
    assert changed(site.world, before) == []
    for who, answer in got.items():
        if answer.status_code == 401:
            assert 'name="token"' in answer.text, f"{who} is not asked to sign in"
        assert OWNER not in answer.text.replace(site.at(path), ""), who


@pytest.mark.parametrize("path", OPEN)
async def test_what_is_open_shows_nothing_of_anybody(site: Site, path: str) -> None:
    before = stored(site.world)
    answer = await site.ask("GET", path)
    assert answer.status_code == (404 if path in _NO_PAGE else 200)
    assert OWNER not in answer.text
    assert "set-cookie" not in answer.headers
    assert changed(site.world, before) == []


@pytest.mark.parametrize("path", FORMS)
async def test_only_a_sessions_own_form_is_acted_on(site: Site, path: str) -> None:
    realm = _realm(path)
    own, another = await site.signed(realm), await site.signed(realm)
    elsewhere = await site.signed(_OTHER[realm])
    fields = {**site.fields(), "request_key": "k"}
    right = {**fields, "form_token": own.session.form_token}
    forged: dict[str, dict[str, Any]] = {
        "without a token": {"data": fields},
        "an empty token": {"data": {**fields, "form_token": ""}},
        "another session's": {"data": {**fields, "form_token": another.session.form_token}},
        "the other realm's": {"data": {**fields, "form_token": elsewhere.session.form_token}},
        "the cookie as token": {"data": {**fields, "form_token": own.cookie}},
        "the token in the address": {
            "data": fields,
            "params": {"form_token": own.session.form_token},
        },
        "another origin": {"data": right, "headers": {"Origin": "https://evil.example"}},
        "no origin": {"data": right, "headers": {"Origin": "null"}},
        "alike": {"data": right, "headers": {"Origin": "http://test.evil.example"}},
        "cross-site": {"data": right, "headers": {"Sec-Fetch-Site": "cross-site"}},
        "same-site": {"data": right, "headers": {"Sec-Fetch-Site": "same-site"}},
    }
    before = stored(site.world)
    got = {
        how: (await site.ask("POST", path, own.cookies(), **sent)).status_code
        for how, sent in forged.items()
    }
    assert got == dict.fromkeys(forged, 403)
    assert changed(site.world, before) == []
    await _unfreeze(site)
    trusted = {"Origin": "http://test", "Sec-Fetch-Site": "same-origin"}
    acted = await site.ask("POST", path, own.cookies(), data=right, headers=trusted)
    assert acted.status_code not in (401, 403), "not even one's own form is acted on"
    assert acted.status_code < 500


@pytest.mark.parametrize("realm", list(Realm))
async def test_nobody_is_signed_in_by_another_site(site: Site, realm: Realm) -> None:
    data = {"token": token(OWNER, role="admin")}
    before = stored(site.world)
    for name, value in (
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
        ("Sec-Fetch-Site", "cross-site"),
    ):
        answer = await site.ask("POST", f"/{realm}/sign-in", data=data, headers={name: value})
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
    assert changed(site.world, before) == []


@pytest.mark.parametrize("path", SEEN)
async def test_looking_changes_nothing_and_texts_stay_texts(site: Site, path: str) -> None:
    visitor = await site.signed(_realm(path))
    await _unfreeze(site)
    before = stored(site.world)
    names = "next q user userId service status type types from to after cursor done name keyIds"
    for query in ({}, dict.fromkeys(names.split(), SCRIPT)):
        answer = await site.ask("GET", path, visitor.cookies(), params=query)
        assert answer.status_code not in (401, 403), "not even one's own page is shown"
        assert answer.status_code < 500
        _Page().feed(answer.text)
    assert changed(site.world, before) == []


_SCHEMES = {"a": ["http", "https"], "link": ["data"], "img": ["data"]}


class _Page(HTMLParser):
    """Refuses what would run, or be loaded from elsewhere."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        for name, value in given.items():
            assert not name.startswith("on"), (tag, name)
            if name in _LOADS:
                address = urlsplit((value or "").strip())
                allowed = _SCHEMES.get(tag, [])
                assert address.scheme in ["", *allowed], (tag, name, value)
                assert not address.netloc or tag == "a", (tag, name, value)
        if tag == "script":
            assert given.get("src", ""), "a script in the page itself"
        assert tag not in ("iframe", "object", "embed", "base"), tag
        assert given.get("src") != "x", "a text has become an element"


@pytest.mark.parametrize(
    ("settings", "secure"),
    [
        ({}, False),
        ({"public_url": "https://pay.example"}, True),
        ({"secure_cookies": True}, True),
    ],
)
@pytest.mark.parametrize("realm", list(Realm))
async def test_a_sessions_cookie(realm: Realm, settings: dict[str, Any], secure: bool) -> None:
    async with running(World(**settings)) as world, world.client() as client:
        path = f"http://test/{realm}/sign-in"
        data = {"token": token(OWNER, role="admin", expires_in=YEAR_SECONDS)}
        first = await client.post(path, data=data)
        again = await client.post(path, data=data, headers={"Cookie": first.headers["set-cookie"]})
        value, attributes = _cookie(first)
        assert _cookie(again)[0] != value, "a session that is not new"
        wanted = {"httponly", "samesite=strict", f"path=/{realm}", f"max-age={SESSION_MS // 1000}"}
        assert wanted <= attributes
        assert ("secure" in attributes) == secure
        assert not any(part.startswith("domain") for part in attributes)
        assert value.encode() not in b"".join(stored(world).values())


def _cookie(answer: httpx.Response) -> tuple[str, set[str]]:
    assert answer.status_code == 303
    pair, *attributes = answer.headers["set-cookie"].split("; ")
    return pair.partition("=")[2], {attribute.lower() for attribute in attributes}


async def test_no_user_signs_in_to_the_panel(site: Site) -> None:
    before = stored(site.world)
    for claims in ({}, {"role": "user"}, {"role": ["admin"]}):
        data = {"token": token(OWNER, **claims)}
        answer = await site.ask("POST", "/admin/sign-in", data=data)
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
    assert changed(site.world, before) == []


async def test_attempts_to_sign_in_are_counted_by_neighbourhood() -> None:
    async with running(World()) as world:

        async def attempt(address: str) -> int:
            transport = httpx.ASGITransport(app=world.app, client=(address, 1))  # type: ignore[arg-type]
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return (await client.post("/admin/sign-in", data={"token": "x"})).status_code

        tried = [await attempt(f"2001:db8:1:2::{n:x}") for n in range(ATTEMPTS_PER_MINUTE)]
        assert set(tried) == {401}
        assert await attempt("2001:db8:1:2:ffff::") == 429
        assert await attempt("2001:db8:1:3::") == 401
        assert await attempt("192.0.2.1") == 401


async def test_signing_out_ends_the_session_and_the_cookie(site: Site) -> None:
    for realm in Realm:
        own = await site.signed(realm)
        form = {"form_token": own.session.form_token, "request_key": "k"}
        out = await site.ask("POST", f"/{realm}/sign-out", own.cookies(), data=form)
        assert out.status_code == 303
        assert "max-age=0" in out.headers["set-cookie"].lower()
        assert (await site.ask("GET", f"/{realm}", own.cookies())).status_code == 401


@pytest.mark.parametrize("path", ["/schema", "/asyncapi"])
async def test_what_describes_the_api_is_not_framed_either(site: Site, path: str) -> None:
    async with site.world.client() as client:
        answer = await client.get(f"http://test{path}")
    assert answer.status_code == 200
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
async def test_a_request_for_no_path_is_told_so(site: Site, method: str) -> None:
    """As `OPTIONS *` arrives."""
    scope = {"type": "http", "method": method, "path": "*", "raw_path": b"*", "query_string": b""}
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"accept", b"text/html")]
    await site.world.app({**scope, "headers": headers}, receive, send)
    assert sent[0]["status"] in (404, 405)
    assert b"x-request-id" in dict(sent[0]["headers"])
