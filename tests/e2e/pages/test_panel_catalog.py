"""What is sold, as the panel shows it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.e2e.pages.browser import Visitor
from tests.e2e.pages.conftest import MakeVisitor
from tests.e2e.service import Service, token

ADMIN = token("admin_1", "admin")
CATALOG = """
[services.paraphrase]
name = "paraphrase_service"
title = "Paraphrase <b>bold</b>"
unit = "character"
per = 100
credits = 1
rate_limit_per_hour = 77

[packs.small]
title = "Small"
credits = 50
prices = { USD = 555 }

[plans.free]
title = "Free"

[plans.pro]
title = "Pro"
prices = { BDT = 180000 }
credits = 2000
rollover = 500
services = ["paraphrase"]
limits = { paraphrase = { count = 50 } }
trial_days = 14
trial_credits = 100
pausable = true
"""


def test_the_shipped_catalog(visitor: MakeVisitor, shop: Service) -> None:
    shop.key("slide")
    one = visitor()
    page = one.sign_in("admin", ADMIN)
    page.get_by_role("link", name="Catalog").click()
    slides = page.get_by_role("row", name="Slide generation").inner_text().split()
    assert {"slide_service", "10", "deck", "active"} <= set(slides)
    words = page.get_by_role("row", name="Summarize").inner_text()
    assert "1,000 words" in words
    assert "no key yet" in words
    pack = page.get_by_role("row", name="credits_1000").inner_text()
    assert "80.00 USD" in pack
    team = page.get_by_role("row", name="Team").inner_text()
    assert "49.00 USD" in team
    assert "up to 4,000" in team
    one.check_both()


@pytest.fixture(scope="module")
def own_catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("catalog")
    (folder / "catalog.toml").write_text(CATALOG)
    made = Service(folder, CATALOG_FILE=str(folder / "catalog.toml"))
    made.start()
    yield made
    made.kill()


def test_a_catalog_of_ones_own(browser: Browser, own_catalog: Service) -> None:
    one = Visitor(browser, own_catalog.url)
    page = one.enter("admin", ADMIN)
    page.goto("/admin/catalog")
    service = page.get_by_role("row", name="paraphrase_service").inner_text()
    assert "Paraphrase <b>bold</b>" in service
    assert "77" in service
    assert "not sold" in page.get_by_role("row", name="Small").inner_text()
    pro = page.get_by_role("row", name="Pro").inner_text()
    for part in ("1,800.00 BDT", "14 days, 100 credits", "50 charges", "allowed", "up to 500"):
        assert part in pro
    one.check()
    one.close()
