"""Getting in, and out; forms that are not one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.e2e.pages.conftest import MakeVisitor
from tests.e2e.service import Service, token

ADMIN = token("admin_1", "admin")


@pytest.mark.parametrize("realm", ["admin", "account"])
def test_in_and_out(visitor: MakeVisitor, realm: str) -> None:
    one = visitor()
    one.page.goto(f"/{realm}")
    one.check_both()
    page = one.sign_in(realm, ADMIN)
    one.check()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign in").wait_for()
    page.goto(f"/{realm}")
    assert page.get_by_role("button", name="Sign in").is_visible()


def test_without_javascript(visitor: MakeVisitor) -> None:
    one = visitor(script=False)
    page = one.sign_in("admin", ADMIN)
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign in").wait_for()


def test_a_users_token_opens_no_panel(visitor: MakeVisitor) -> None:
    one = visitor()
    one.page.goto("/admin")
    one.page.get_by_label("Token").fill(token("u1"))
    one.page.get_by_role("button", name="Sign in").click()
    assert "admin" in one.page.get_by_role("alert").inner_text()
    assert one.page.get_by_role("button", name="Sign out").count() == 0
    one.check()


SignIn = Callable[[], tuple[httpx.Client, str]]


@pytest.fixture
def signed_in(shop: Service) -> Iterator[SignIn]:
    """Makes browsers without a window, each with the token of its forms."""
    with ExitStack() as stack:
        yield lambda: _signed_in(stack.enter_context(httpx.Client(base_url=shop.url)))


def _signed_in(client: httpx.Client) -> tuple[httpx.Client, str]:
    answer = client.post("/admin/sign-in", data={"token": ADMIN})
    assert answer.status_code == 303
    for part in ("HttpOnly", "SameSite=strict", "Path=/admin"):
        assert part.lower() in answer.headers["set-cookie"].lower()
    page = client.get("/admin")
    assert page.status_code == 200
    form_token = page.text.split('name="form_token" value="')[1].split('"')[0]
    return client, form_token


def test_a_session_that_was_signed_out_is_over(shop: Service, signed_in: SignIn) -> None:
    client, form_token = signed_in()
    stolen = dict(client.cookies)
    form = {"form_token": form_token, "request_key": "k"}
    assert client.post("/admin/sign-out", data=form).status_code == 303
    assert httpx.get(f"{shop.url}/admin", cookies=stolen).status_code == 401


def test_forms_of_others_are_refused(signed_in: SignIn) -> None:
    client, own = signed_in()
    _, of_another = signed_in()
    refused = [
        client.post("/admin/sign-out", data={"form_token": of_another, "request_key": "k"}),
        client.post("/admin/sign-out", data={"request_key": "k"}),
        client.post(
            "/admin/sign-out",
            data={"form_token": own, "request_key": "k"},
            headers={"Origin": "https://evil.example"},
        ),
        client.post(
            "/admin/sign-out",
            data={"form_token": own, "request_key": "k"},
            headers={"Sec-Fetch-Site": "cross-site"},
        ),
    ]
    assert [answer.status_code for answer in refused] == [403] * 4
    assert client.get("/admin").status_code == 200


def test_pages_say_how_they_may_be_used(signed_in: SignIn) -> None:
    client, _ = signed_in()
    page = client.get("/admin")
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "wanted", ["https://evil.example", "//evil.example", "/adminevil", "/account"]
)
def test_signing_in_leads_nowhere_else(shop: Service, wanted: str) -> None:
    data = {"token": ADMIN, "next": wanted}
    answer = httpx.post(f"{shop.url}/admin/sign-in", data=data)
    assert answer.headers["location"] == "/admin"


def test_signing_in_leads_on(shop: Service) -> None:
    data = {"token": ADMIN, "next": "/admin/users/u1?page=2"}
    answer = httpx.post(f"{shop.url}/admin/sign-in", data=data)
    assert answer.headers["location"] == "/admin/users/u1?page=2"


def test_an_unknown_page_is_a_page(signed_in: SignIn) -> None:
    client, _ = signed_in()
    answer = client.get("/admin/nothing-here")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")


def test_cookies_of_others_do_not_matter(signed_in: SignIn) -> None:
    client, _ = signed_in()
    own = client.cookies["shothik_admin"]
    for others in ('pref={"a":1}', "flag", "a[b]=c", "path=x", "=", ";;"):
        answer = client.get("/admin", headers={"Cookie": f"{others}; shothik_admin={own}"})
        assert answer.status_code == 200, others


@pytest.mark.parametrize("origin", ["http://[", "null", "", "://", "https://evil.example"])
def test_origins_that_are_none_are_refused(shop: Service, origin: str) -> None:
    answer = httpx.post(
        f"{shop.url}/admin/sign-in", data={"token": ADMIN}, headers={"Origin": origin}
    )
    assert answer.status_code == 403
