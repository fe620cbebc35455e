"""A plan over the months, by a clock that is put forward: its trial, a renewal to pay, a pause."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.pages.accounts import at_account, choose_outcome, expect_told, press
from tests.e2e.pages.browser import NARROW
from tests.e2e.pages.callers import Callers
from tests.e2e.pages.conftest import MakeVisitor
from tests.e2e.service import Service

_DAY = 24 * 3600
_LITE = """
[plans.lite]
title = "Lite"
prices = { USD = 500, BDT = 60000 }
credits = 300
services = ["paraphrase_service", "slide_service"]
limits = { slide_service = { count = 5 }, paraphrase_service = { credits = 50 } }
trial_days = 7
trial_credits = 60
pausable = true
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("clock")
    catalog = folder / "catalog.toml"
    shipped = (files("shothik_payment") / "catalog.toml").read_text()
    catalog.write_text(shipped.replace("[plans.pro]", f"{_LITE}\n[plans.pro]"))
    made = Service(folder, TEST_CLOCK="on", CATALOG_FILE=str(catalog))
    made.start()
    yield made
    made.kill()


def advance(callers: Callers, days: int) -> None:
    left = days * _DAY
    while left:
        left = callers.admin("/admin/test-clock", {"advanceSeconds": left})["remainingSeconds"]


def plan_of(page: Page) -> str:
    page.goto("/account/plan")
    return page.get_by_role("heading", level=2).first.inner_text()


def test_from_trial_to_renewal_to_pause(visitor: MakeVisitor, callers: Callers) -> None:
    one = at_account(visitor, "months_1", width=NARROW)
    page = one.page
    page.goto("/account/plan/begin/lite")
    expect(page.locator("dl.facts")).to_contain_text("60 credits")
    one.check()
    page.get_by_role("button", name="Begin Lite").click()
    expect_told(page, "The plan has begun")
    expect(page.locator("dl.facts")).to_contain_text("The trial ends")
    callers.deduct("months_1", 45)
    page.reload()
    used = page.get_by_role("progressbar", name="Paraphrase")
    expect(used).to_have_attribute("value", "45")
    expect(page.get_by_text("45 of 50 credits")).to_be_visible()
    one.check()

    # Nothing is on file, so the first payment waits for the user.
    advance(callers, 8)
    assert "payment due" in plan_of(page).lower()
    one.check()
    page.goto("/account/plan/pay")
    one.check()
    page.get_by_role("button", name="Go on to pay").click()
    page.wait_for_url("**/sandbox/checkout/**")
    page.get_by_role("button", name="Pay 5.00 USD").click()
    # The link was made when the renewal fell due, by nobody who could be led back.
    expect(page.get_by_role("status")).to_have_text("Paid.")
    assert "active" in plan_of(page).lower()
    assert callers.balance("months_1") == 300

    press(page, "Pause", "Pause the plan")
    expect_told(page, "pauses at the end of its period")
    advance(callers, 31)
    assert "paused" in plan_of(page).lower()
    one.check()
    press(page, "Resume", "Resume the plan")
    expect_told(page, "The plan goes on")
    assert "active" in plan_of(page).lower()
    assert callers.balance("months_1") == 300


def test_a_renewal_that_is_declined_can_be_paid(visitor: MakeVisitor, callers: Callers) -> None:
    one = at_account(visitor, "months_2")
    page = one.page
    page.goto("/account/plan/begin/lite?currency=BDT")
    page.get_by_role("button", name="Begin Lite").click()
    expect_told(page, "The plan has begun")
    advance(callers, 8)
    page.goto("/account/plan")
    page.get_by_role("link", name="Go on to pay").click()
    page.get_by_role("button", name="Decline").click()
    expect(page.get_by_role("status")).to_contain_text("declined")
    page.goto("/account/plan")
    one.check()
    press(page, "Pay the renewal", "Go on to pay")
    choose_outcome(page, "Pay 600.00 BDT")
    expect_told(page, "Paid for the Lite plan")
    assert "active" in plan_of(page).lower()
