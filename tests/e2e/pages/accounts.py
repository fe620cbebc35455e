"""Users at their own pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from playwright.sync_api import Page, expect

from tests.e2e.pages.browser import Visitor
from tests.e2e.service import Service, token


def at_account(visitor: Any, user: str, **options: Any) -> Visitor:
    """A browser that is signed in, and has no page yet."""
    one: Visitor = visitor(**options)
    one.enter("account", token(user))
    return one


def choose_outcome(page: Page, button: str) -> None:
    """At the sandbox's checkout, from where the browser is led back to the payment."""
    page.wait_for_url("**/sandbox/checkout/**")
    page.get_by_role("button", name=button).click()
    page.wait_for_url("**/account/payments/**")


def press(page: Page, link: str, button: str | None = None) -> None:
    """The link to a page of one action, and the button there."""
    page.get_by_role("link", name=link, exact=True).click()
    page.get_by_role("heading", level=1).wait_for()
    page.get_by_role("button", name=button or link).click()


def expect_told(page: Page, text: str) -> None:
    expect(page.get_by_role("status").first).to_contain_text(text)


def form_of(http: httpx.Client, path: str) -> dict[str, str]:
    """The hidden fields of the page's own form, which is its last one."""
    form = http.get(path).text.rpartition("<form")[2]
    return dict(re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', form))


@contextmanager
def signed_in(shop: Service, user: str) -> Iterator[httpx.Client]:
    """A browser without a window: forms are sent as they came."""
    with httpx.Client(base_url=shop.url, timeout=30) as http:
        assert http.post("/account/sign-in", data={"token": token(user)}).status_code == 303
        yield http
