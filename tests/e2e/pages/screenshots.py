"""`python -m tests.e2e.pages.screenshots`: the pictures of the pages in docs/screenshots."""

from __future__ import annotations

import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page

from tests.e2e.pages.browser import NARROW, WIDE, Visitor, chromium
from tests.e2e.pages.demo import ADMIN, MAIN_USER, Demo
from tests.e2e.service import Service, token

FOLDER = Path("docs/screenshots")
MOST_BYTES = 150 * 1024
_HEIGHT = {WIDE: 760, NARROW: 780}


@dataclass(frozen=True)
class Shot:
    """`path` of a page; `realm` None: nobody has to sign in. `height` 0: the usual one."""

    name: str
    path: str
    realm: str | None = "admin"
    width: int = WIDE
    scheme: str = "light"
    height: int = 0


def shots(demo: Demo) -> list[Shot]:
    key = f"/admin/keys/{demo.key_ids['paraphrase production']}"
    user = f"/admin/users/{MAIN_USER}"
    with httpx.Client(base_url=demo.service.url) as http:
        checkout = demo.open_checkout(http, MAIN_USER, "credits_1000")["paymentUrl"]
    return [
        Shot("overview", "/admin"),
        Shot("overview-dark", "/admin", scheme="dark"),
        Shot("overview-narrow", "/admin", width=NARROW),
        Shot("keys", "/admin/keys"),
        Shot("key", key, height=960),
        Shot("key-narrow-dark", key, width=NARROW, scheme="dark"),
        Shot("users", "/admin/users"),
        Shot("user", user),
        Shot("user-narrow", user, width=NARROW),
        Shot("payments", "/admin/payments"),
        Shot("events", "/admin/events"),
        Shot("catalog-dark", "/admin/catalog", scheme="dark"),
        Shot("account", "/account", realm="account"),
        Shot("account-narrow-dark", "/account", realm="account", width=NARROW, scheme="dark"),
        Shot("checkout", checkout, realm=None, width=NARROW),
    ]


def take(browser: Browser, url: str, shot: Shot) -> int:
    """The picture's size in bytes."""
    one = Visitor(browser, url, shot.width, color_scheme=shot.scheme)
    try:
        page = one.page
        height = shot.height or _HEIGHT[shot.width]
        page.set_viewport_size({"width": shot.width, "height": height})
        if shot.realm is not None:
            one.sign_in(shot.realm, ADMIN if shot.realm == "admin" else token(MAIN_USER))
        answer = page.goto(shot.path)
        assert answer is not None
        assert answer.status == 200, f"{shot.path}: {answer.status}"
        return _save(page, FOLDER / f"{shot.name}.png")
    finally:
        one.close()
        assert one.faults == [], one.faults


def _save(page: Page, path: Path) -> int:
    page.screenshot(path=path, animations="disabled", caret="hide")
    size = path.stat().st_size
    assert size <= MOST_BYTES, f"{path} has {size:,} bytes, more than {MOST_BYTES:,}"
    return size


def main() -> None:
    # So that what was started is stopped, as it is by an interrupt from the keyboard.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Path(folder), RATE_LIMIT_PER_HOUR="20000")
        demo = Demo(service)
        try:
            demo.fill()
            with chromium() as browser:
                for shot in shots(demo):
                    size = take(browser, service.url, shot)
                    sys.stdout.write(f"{FOLDER / shot.name}.png {size:,}\n")
        finally:
            service.kill()


if __name__ == "__main__":
    main()
