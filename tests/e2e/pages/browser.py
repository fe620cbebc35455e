"""Headless Chromium, and what every page that it opens has to keep to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

WIDE = 1400
NARROW = 360
HEIGHT = 900
_AXE = {"resultTypes": ["violations"], "preload": False}
"""Nothing is read ahead: that is for sound, of which there is none, and for a rule that is off."""
_PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's; Playwright's own would be downloaded."""
    found = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if found is None:
        pytest.fail(
            "Pages are tested in Chromium; install it"
            " (on Debian: apt-get install chromium-headless-shell)."
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


Sessions = dict[tuple[str, str], list[Any]]
"""The cookies of who has signed in, by realm and token."""


class Visitor:
    """One browser of its own, without cookies at first. `page` is its only tab.

    Whatever goes wrong on a page, and whatever it asks of another host, is in `faults`. `sessions`
    are of browsers that have signed in at the same service before.
    """

    def __init__(
        self,
        browser: Browser,
        url: str,
        width: int = WIDE,
        *,
        script: bool = True,
        sessions: Sessions | None = None,
        **options: Any,
    ) -> None:
        self.url = url
        self.faults: list[str] = []
        self._sessions = {} if sessions is None else sessions
        self._context = browser.new_context(
            base_url=url,
            viewport={"width": width, "height": HEIGHT},
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

    def enter(self, realm: str, token: str) -> Page:
        """Signed in without a look at any page; a second time with the same session."""
        cookies = self._sessions.get((realm, token))
        if cookies is None:
            answer = self._context.request.post(
                f"/{realm}/sign-in", form={"token": token}, max_redirects=0
            )
            assert answer.status == httpx.codes.SEE_OTHER, answer.text()
            self._sessions[realm, token] = self._context.cookies()
        else:
            self._context.add_cookies(cookies)
        return self.page

    def check(self) -> None:
        """The page as it stands: nothing wrong so far, usable by everybody, no wider than the
        window, be that wide or narrow."""
        assert self.faults == []
        found = Axe().run(self.page, options=_AXE)
        assert found.violations_count == 0, found.generate_report()
        assert self.page.viewport_size is not None
        own = self.page.viewport_size["width"]
        for width in (WIDE, NARROW, own):
            self._widen(width)
            self._check_width()

    def check_both(self) -> None:
        """`check` in a wide light window and in a narrow dark one, which stays."""
        for width, scheme in ((WIDE, "light"), (NARROW, "dark")):
            self._widen(width)
            self.page.emulate_media(color_scheme=scheme)
            self.check()

    def _widen(self, width: int) -> None:
        self.page.set_viewport_size({"width": width, "height": HEIGHT})

    def _check_width(self) -> None:
        width = self.page.evaluate("document.documentElement.scrollWidth")
        window = self.page.evaluate("innerWidth")
        assert width <= window, f"{self.page.url} is {width} wide in a window of {window}"

    def close(self) -> None:
        self._context.close()
