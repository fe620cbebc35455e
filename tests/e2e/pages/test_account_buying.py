"""A user who buys credits: to the gateway and back."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import expect

from tests.e2e.pages.accounts import at_account, choose_outcome, expect_told, form_of, signed_in
from tests.e2e.pages.browser import NARROW
from tests.e2e.pages.callers import Callers
from tests.e2e.pages.conftest import MakeVisitor
from tests.e2e.service import Service


@pytest.mark.parametrize(
    ("outcome", "told", "balance", "script"),
    [
        ("Pay 10.00 USD", "Paid for 100 credits", 100, True),
        ("Pay 10.00 USD", "Paid for 100 credits", 100, False),
        ("Decline", "not paid: card declined", 0, True),
        ("Cancel", "The checkout was cancelled", 0, True),
    ],
)
def test_a_pack(
    visitor: MakeVisitor, callers: Callers, outcome: str, told: str, balance: int, *, script: bool
) -> None:
    user = f"pack_{balance}_{outcome[0]}_{script}"
    one = at_account(visitor, user, script=script, width=NARROW)
    one.page.goto("/account/buy")
    one.page.get_by_role("button", name="Buy 100 credits", exact=True).click()
    choose_outcome(one.page, outcome)
    expect_told(one.page, told)
    if script:
        one.check()
    assert callers.balance(user) == balance
    one.page.goto("/account/payments")
    expect(one.page.locator("tbody tr")).to_have_count(1)


def test_any_number_in_another_currency(visitor: MakeVisitor, callers: Callers) -> None:
    one = at_account(visitor, "number_1")
    one.page.goto("/account/buy")
    one.page.get_by_role("link", name="BDT").click()
    expect(one.page.get_by_text("save 25 %")).to_be_visible()
    one.page.get_by_label("Credits", exact=False).fill("150")
    expect(one.page.get_by_label("Price")).to_have_text("1,800.00 BDT")
    one.check()
    one.page.get_by_role("button", name="Buy this number").click()
    choose_outcome(one.page, "Pay 1,800.00 BDT")
    expect_told(one.page, "Paid for 150 credits")
    assert callers.balance("number_1") == 150


def test_what_is_wrong_is_said_and_kept(visitor: MakeVisitor) -> None:
    one = at_account(visitor, "wrong_1", script=False)
    one.page.goto("/account/buy?currency=BDT")
    credits = one.page.get_by_label("Credits", exact=False)
    credits.evaluate("field => { field.removeAttribute('min') }")
    credits.fill("3")
    with one.page.expect_response(lambda answer: answer.request.method == "POST") as refused:
        one.page.get_by_role("button", name="Buy this number").click()
    assert refused.value.status == 400
    expect(one.page.get_by_role("alert")).to_contain_text("10 to 100000")
    expect(one.page.get_by_label("Credits", exact=False)).to_have_value("3")
    expect(one.page.get_by_role("link", name="BDT")).to_have_attribute("aria-current", "true")


def test_a_payment_on_its_way(visitor: MakeVisitor, callers: Callers) -> None:
    page = at_account(visitor, "late_1").page
    page.goto("/account/buy")
    page.get_by_role("button", name="Buy 500 credits").click()
    choose_outcome(page, "late")
    expect_told(page, "We do not know yet")
    look_again = page.get_by_role("link", name="Look again")
    while look_again.count():
        look_again.click()
        page.get_by_role("status").first.wait_for()
    expect_told(page, "Paid for 500 credits")
    assert callers.balance("late_1") == 500


def test_one_that_was_left_can_be_paid_later(visitor: MakeVisitor, callers: Callers) -> None:
    callers.order("later_1")
    page = at_account(visitor, "later_1").page
    page.goto("/account/payments")
    page.get_by_role("link", name="100 credits").click()
    page.get_by_role("link", name="Go on to pay").click()
    page.get_by_role("button", name="Pay 10.00 USD").click()
    expect(page.get_by_role("status")).to_contain_text("Paid")
    assert callers.balance("later_1") == 100


def test_the_receipt_is_printed(visitor: MakeVisitor, callers: Callers) -> None:
    payment = callers.buy("receipt_1")
    callers.admin(f"/admin/payments/{payment}/refund", {"amount": 250, "reason": "a part of it"})
    one = at_account(visitor, "receipt_1")
    one.page.goto(f"/account/payments/{payment}")
    one.check_both()
    expect(one.page.get_by_role("button", name="Print the receipt")).to_be_visible()
    one.page.emulate_media(media="print")
    receipt = one.page.locator(".receipt")
    for told in (
        payment,
        "receipt_1",
        "100 credits",
        "Sandbox",
        "10.00 USD",
        "−2.50 USD",
        "7.50 USD",
    ):
        expect(receipt).to_contain_text(told)
    for hidden in (".top", "footer", ".trail", ".buttons", ".notice"):
        expect(one.page.locator(hidden).first).to_be_hidden()
    assert "a part of it" not in one.page.content()


def test_a_form_that_is_sent_twice_opens_one_checkout(shop: Service) -> None:
    with signed_in(shop, "twice_1") as http:
        order = {**form_of(http, "/account/buy"), "packId": "credits_100", "currency": "USD"}
        answers = [http.post("/account/buy", data=order) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [303, 303]
        assert answers[0].headers["location"] == answers[1].headers["location"]
        assert http.get("/account/payments").text.count("not paid yet") == 1


def test_pages_and_api_share_the_limit_of_checkouts(shop: Service, callers: Callers) -> None:
    for _ in range(5):
        callers.order("often_1")
    with signed_in(shop, "often_1") as http:
        order = {"packId": "credits_100", "currency": "USD"}
        sent = [{**form_of(http, "/account/buy"), **order} for _ in range(6)]
        answers = [http.post("/account/buy", data=form) for form in sent]
    assert [answer.status_code for answer in answers] == [303] * 5 + [429]
    assert "credits_100" in answers[-1].text
    assert int(answers[-1].headers["retry-after"]) > 0


def test_who_comes_back_needs_no_session_and_learns_nothing(shop: Service) -> None:
    with httpx.Client(base_url=shop.url) as http:
        answer = http.get("/account/returned/pay_none")
        assert answer.status_code == 200
        assert 'url=/account/payments/pay_none"' in answer.text
        strange = http.get("/account/returned/%22%3E%3Cscript%3E")
        assert "<script>" not in strange.text.split("<body>")[1]
