"""The first page of the panel shows what has happened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.pages.browser import Visitor
from tests.e2e.pages.callers import ADMIN, at_panel
from tests.e2e.pages.conftest import MakeVisitor
from tests.e2e.service import Service, token


class Busy:
    """A service on which somebody has paid, charged, and been stopped."""

    def __init__(self, service: Service) -> None:
        self.url = service.url
        self._http = httpx.Client(base_url=f"{service.url}/api/v1")
        self._keys = {name: service.key(name) for name in ("paraphrase", "research")}

    def fill(self) -> None:
        self.give("u1", 500)
        self.give("u2", 30)
        first = self.charge("paraphrase", "u1", 120)
        self.charge("research", "u1", 40)
        self.charge("research", "u2", 30)
        self.post("/reverse", {"transactionId": first, "amount": 20}, self._key("paraphrase"))
        for outcome in ("success", "success", "declined"):
            self.buy(outcome)

    def _key(self, service: str) -> str:
        return f"ApiKey {self._keys[service]}"

    def post(self, path: str, body: dict[str, Any], authorization: str) -> dict[str, Any]:
        answer = self._http.post(path, json=body, headers={"Authorization": authorization})
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def give(self, user_id: str, amount: int) -> None:
        body = {"userId": user_id, "amount": amount, "reason": "test"}
        self.post("/admin/credits", body, f"Bearer {ADMIN}")

    def charge(self, service: str, user_id: str, amount: int) -> str:
        body = {"userId": user_id, "amount": amount, "feature": "test"}
        return str(self.post("/deduct", body, self._key(service))["transactionId"])

    def buy(self, outcome: str) -> None:
        body = {"packId": "credits_100", "gateway": "sandbox", "currency": "USD"}
        opened = self.post("/payments/initiate", body, f"Bearer {token('u3')}")
        answer = httpx.post(opened["paymentUrl"], data={"outcome": outcome})
        assert answer.status_code in (200, 303)

    def close(self) -> None:
        self._http.close()


@pytest.fixture(scope="module")
def busy(shop: Service) -> Iterator[Busy]:
    made = Busy(shop)
    made.fill()
    yield made
    made.close()


def overview(visitor: MakeVisitor, **options: Any) -> tuple[Visitor, Page]:
    one = at_panel(visitor, **options)
    one.page.goto("/admin")
    return one, one.page


def tile(page: Page, name: str) -> str:
    """The figure of a tile."""
    return page.get_by_role("link", name=name).locator("b").inner_text()


def test_before_anything_has_happened(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    service = Service(tmp_path_factory.mktemp("new")).start()
    one = Visitor(browser, service.url)
    try:
        page = one.sign_in("admin", ADMIN)
        assert tile(page, "credits charged today") == "0"
        assert page.get_by_text("Nothing yet.").count() == 4
        assert page.locator("main img").count() == 0
        one.check()
    finally:
        one.close()
        service.kill()


def test_what_has_happened_today(visitor: MakeVisitor, busy: Busy) -> None:
    one, page = overview(visitor)
    assert tile(page, "credits charged today") == "190"
    charged = page.get_by_role("link", name="credits charged today").inner_text()
    assert "3 charges, 20 given back" in charged
    assert tile(page, "payments today") == "2"
    assert "20.00 USD" in page.get_by_role("link", name="payments today").inner_text()
    assert tile(page, "payments to review") == "0"
    assert tile(page, "user stopped now") == "1"
    assert page.get_by_text("ok", exact=True).count() == 3
    one.check_both()


def test_the_pictures_say_the_same(visitor: MakeVisitor, busy: Busy) -> None:
    one, page = overview(visitor)
    pictures = page.locator("main img")
    assert pictures.count() == 4
    drawn = "images => images.every(image => image.complete && image.naturalWidth > 100)"
    assert pictures.evaluate_all(drawn)
    today = page.get_by_role("img", name="Credits charged today")
    assert today.get_attribute("alt") == (
        "Credits charged today: Paraphrase 120, Deep research 70."
    )
    for summary in page.get_by_text("Figures").all():
        summary.click()
    hours = page.get_by_role("table", name="Charged in the last 24 hours")
    rows = [row.inner_text().split() for row in hours.get_by_role("row").all()[1:]]
    assert len(rows) == 24
    assert sum(int(number) for row in rows for number in row[1:]) == 190
    days = page.get_by_role("table", name="Charged in the last 7 days").get_by_role("row").all()
    assert days[-1].inner_text().split()[1:] == ["120", "70"]
    one.check_both()
    assert pictures.evaluate_all(drawn)


def test_tiles_lead_to_what_they_count(visitor: MakeVisitor, busy: Busy) -> None:
    _, page = overview(visitor)
    tiles = [str(link.get_attribute("href")) for link in page.locator("a.tile").all()]
    assert len(tiles) == 6
    for path in tiles:
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path


def test_without_javascript(visitor: MakeVisitor, busy: Busy) -> None:
    _, page = overview(visitor, script=False)
    assert page.locator("main img").count() == 4
    page.get_by_text("Figures").first.click()
    assert "Paraphrase" in page.get_by_role("table", name="Credits charged today").inner_text()


def test_today_is_the_visitors(visitor: MakeVisitor, busy: Busy) -> None:
    """Zones that are 26 hours apart do not agree on the date, but each on its own day's sum."""
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
        _, page = overview(visitor, timezone_id=zone)
        page.reload()  # the first page came before the browser had said its zone
        page.get_by_text(f"Times are in {zone}").wait_for()
        shown = page.locator(".head time").inner_text()
        today = page.evaluate("new Date().toLocaleDateString('sv-SE')")
        assert shown == today
