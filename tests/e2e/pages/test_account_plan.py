"""A user's plan: begun, changed, paused, ended."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.pages.accounts import (
    at_account,
    choose_outcome,
    expect_told,
    form_of,
    press,
    signed_in,
)
from tests.e2e.pages.browser import NARROW, WIDE, Visitor
from tests.e2e.pages.callers import Callers
from tests.e2e.pages.conftest import MakeVisitor
from tests.e2e.service import Service


def begin(one: Visitor, plan: str, price: str) -> Page:
    page = one.page
    page.goto("/account/plan")
    press(page, f"Begin {plan}", f"Begin {plan} for {price}")
    choose_outcome(page, f"Pay {price}")
    expect_told(page, f"Paid for the {plan} plan")
    page.goto("/account/plan")
    return page


@pytest.mark.parametrize("script", [True, False])
def test_the_life_of_a_plan(visitor: MakeVisitor, callers: Callers, *, script: bool) -> None:
    user = f"life_{script}"
    one = at_account(visitor, user, width=NARROW if script else WIDE, script=script)
    check = one.check if script else lambda: None
    page = begin(one, "Pro", "15.00 USD")
    check()
    assert callers.balance(user) == 2_000

    page.get_by_role("link", name="Change to Team").click()
    facts = page.locator("dl.facts")
    expect(facts).to_contain_text("3")  # the share of the period that is left of 34.00 USD
    expect(facts).to_contain_text("for 49.00 USD")
    check()
    # The method on file is charged; nobody has to go anywhere.
    page.get_by_role("button", name="Change to Team for 33.99 USD").click()
    expect_told(page, "The change is made")
    expect(page.get_by_role("heading", name="Team active")).to_be_visible()
    assert callers.balance(user) == 7_999

    page.get_by_role("link", name="Change to Pro").click()
    expect(page.locator("dl.facts")).to_contain_text("You pay nownothing")
    check()
    page.get_by_role("button", name="Change to Pro").click()
    expect(page.locator("dl.facts")).to_contain_text("It changes to Pro")
    press(page, "Keep it as it is", "Keep the plan")
    expect_told(page, "The plan goes on as it is")
    expect(page.locator("dl.facts")).to_contain_text("It renews")

    press(page, "Pause", "Pause the plan")
    expect(page.locator("dl.facts")).to_contain_text("It pauses")
    press(page, "Keep it as it is", "Keep the plan")
    press(page, "Cancel", "Cancel the plan")
    expect_told(page, "ends with its period")
    press(page, "Keep it as it is", "Keep the plan")
    expect(page.locator("dl.facts")).to_contain_text("It renews")
    check()

    page.get_by_role("link", name="Cancel", exact=True).click()
    expect(page.get_by_text("7,999 credits")).to_be_visible()
    page.get_by_label("When").select_option("now")
    page.get_by_role("button", name="Cancel the plan").click()
    expect_told(page, "The plan has ended")
    assert callers.balance(user) == 0
    expect(page.get_by_role("link", name="Begin Pro")).to_be_visible()
    check()


def test_a_plan_that_is_declined(visitor: MakeVisitor, callers: Callers) -> None:
    one = at_account(visitor, "declined_1", width=NARROW)
    one.page.goto("/account/plan")
    press(one.page, "Begin Pro", "Begin Pro for 15.00 USD")
    choose_outcome(one.page, "Decline")
    expect_told(one.page, "not paid: card declined")
    one.page.get_by_role("link", name="Try again").click()
    expect(one.page.get_by_role("button", name="Begin Pro for 15.00 USD")).to_be_visible()
    one.check()
    one.page.goto("/account/plan")
    expect(one.page.get_by_role("heading", name="Free", level=2)).to_be_visible()
    expect(one.page.locator("tbody tr").first).to_contain_text("not paid")
    one.check()
    begin(one, "Pro", "15.00 USD")
    assert callers.balance("declined_1") == 2_000


def test_a_plan_that_is_not_paid_yet(visitor: MakeVisitor, callers: Callers) -> None:
    one = at_account(visitor, "unpaid_1")
    one.page.goto("/account/plan?currency=BDT")
    press(one.page, "Begin Team", "Begin Team for 5,880.00 BDT")
    one.page.wait_for_url("**/sandbox/checkout/**")
    one.page.goto("/account/plan")
    expect(one.page.get_by_role("heading", name="Team not paid yet")).to_be_visible()
    one.check()
    one.page.get_by_role("link", name="Go on to pay").click()
    one.page.wait_for_url("**/sandbox/checkout/**")
    one.page.goto("/account/plan")
    # Another one may be begun instead.
    one.page.get_by_role("link", name="Begin Pro").click()
    one.check()
    one.page.get_by_role("button", name="Begin Pro").click()
    choose_outcome(one.page, "Pay 15.00 USD")
    assert callers.balance("unpaid_1") == 2_000


def test_an_upgrade_that_waits_can_be_dropped(visitor: MakeVisitor, callers: Callers) -> None:
    """A plan that was given has no method on file, so its change has to be paid."""
    given = {"plan": "pro", "reason": "a prize"}
    callers.admin("/admin/users/drop_1/subscription/grant", given)
    one = at_account(visitor, "drop_1", width=NARROW)
    one.page.goto("/account/plan/change/team")
    one.page.get_by_role("button", name="Change to Team").click()
    one.page.wait_for_url("**/sandbox/checkout/**")
    one.page.goto("/account/plan")
    expect(one.page.get_by_role("link", name="Go on to pay")).to_be_visible()
    expect(one.page.locator("dl.facts")).to_contain_text("for the change to Team")
    one.check()
    press(one.page, "Keep it as it is", "Keep the plan")
    expect(one.page.get_by_role("link", name="Go on to pay")).to_have_count(0)


def test_what_cannot_be_done_is_said(visitor: MakeVisitor) -> None:
    one = at_account(visitor, "cannot_1")
    for path, status, told in (
        ("/plan/change/pro", 404, "no subscription"),
        ("/plan/begin/none", 404, "plan"),
        ("/plan/pay", 404, "no subscription"),
    ):
        answer = one.page.goto(f"/account{path}")
        assert answer is not None
        assert answer.status == status
        expect(one.page.locator("main")).to_contain_text(told)
        one.check()


def test_a_refusal_comes_back_on_the_page(visitor: MakeVisitor, callers: Callers) -> None:
    callers.admin("/admin/users/refused_1/subscription/grant", {"plan": "pro", "reason": "a prize"})
    one = at_account(visitor, "refused_1")
    one.page.goto("/account/plan/pause")
    callers.cancel("refused_1")
    with one.page.expect_response(lambda answer: answer.request.method == "POST") as refused:
        one.page.get_by_role("button", name="Pause the plan").click()
    assert refused.value.status == 404
    expect(one.page.get_by_role("alert")).to_contain_text("There is no subscription")
    one.check()


def test_the_second_beginning_is_refused(visitor: MakeVisitor, callers: Callers) -> None:
    callers.admin("/admin/users/second_1/subscription/grant", {"plan": "pro", "reason": "a prize"})
    one = at_account(visitor, "second_1")
    answer = one.page.goto("/account/plan/begin/team")
    assert answer is not None
    assert answer.status == 409
    expect(one.page.get_by_role("alert")).to_contain_text("already")
    expect(one.page.get_by_role("button", name="Begin")).to_have_count(0)
    one.check()


def test_a_plan_is_begun_once_however_often_the_form_is_sent(
    shop: Service, callers: Callers
) -> None:
    path = "/account/plan/begin/pro?currency=USD"
    with signed_in(shop, "begun_1") as http:
        form = form_of(http, path)
        first = http.post(path, data=form)
        again = http.post(path, data=form)
        assert [first.status_code, again.status_code] == [303, 303]
        assert first.headers["location"] == again.headers["location"]
        link = http.get(first.headers["location"]).text.split("url=")[1].split('"')[0]
        assert httpx.post(link, data={"outcome": "success"}).status_code == 303
        assert http.post(path, data=form).headers["location"] == "/account/plan?done=begun"
    assert callers.balance("begun_1") == 2_000
