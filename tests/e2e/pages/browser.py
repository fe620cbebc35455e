"""Headless Chromium, and what every page that it opens has to keep to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

WIDE = 1400
NARROW = 360
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's; Playwright's own would be downloaded."""
    found = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if found is None:
        pytest.fail(
            "Pages are tested in Chromium; install it (on Debian: apt-get install chromium)."
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """One browser of its own, without cookies at first. `page` is its only tab.

    Whatever goes wrong on a page, and whatever it asks of another host, is in `faults`.
    """

    def __init__(
        self, browser: Browser, url: str, width: int = WIDE, *, script: bool = True, **options: Any
    ) -> None:
        self.url = url
        self.faults: list[str] = []
        self._context = browser.new_context(
            base_url=url,
            viewport={"width": width, "height": 900},
            java_script_enabled=script,
            timezone_id=options.pop("timezone_id", "Asia/Dhaka"),
            **options,
        )
        self._context.set_default_timeout(15_000)
        self.page = self._context.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        refused = "the server responded with a status of 4"
        if message.type in ("error", "warning") and refused not in message.text:
            self.faults.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).netloc not in ("", urlsplit(self.url).netloc):
            self.faults.append(f"another host: {request.url}")

    def sign_in(self, realm: str, token: str) -> Page:
        page = self.page
        page.goto(f"/{realm}")
        page.get_by_label("Token").fill(token)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Sign out").wait_for()
        return page

    def check(self) -> None:
        """The page as it stands: nothing wrong so far, usable by everybody, no wider than the
        window."""
        assert self.faults == []
        found = Axe().run(self.page)
        assert found.violations_count == 0, found.generate_report()
        width = self.page.evaluate("document.documentElement.scrollWidth")
        window = self.page.evaluate("innerWidth")
        assert width <= window, f"{self.page.url} is {width} wide in a window of {window}"

    def close(self) -> None:
        self._context.close()
