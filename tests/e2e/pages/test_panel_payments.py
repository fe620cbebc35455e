"""Payments in the panel: followed through the sandbox, found, returned, accepted."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.pages.browser import NARROW, WIDE
from tests.e2e.pages.callers import SCRIPT, Callers, Session, at_panel
from tests.e2e.pages.conftest import MakeVisitor
from tests.e2e.service import Service
from tests.e2e.waiting import select_pause

SETTLES_WITHIN_SECONDS = 30
OUTCOMES = {
    "success": "paid",
    "declined": "failed",
    "cancelled": "cancelled",
    "timeout": "paid",
    "duplicate": "paid",
    "late": "paid",
    "out_of_order": "paid",
}


@pytest.fixture
def session(shop: Service) -> Iterator[Session]:
    made = Session(shop)
    yield made
    made.close()


def heading(text: str) -> str:
    return text.partition("<h1")[2].partition("</h1>")[0]


def wait_until(page: Page, status: str) -> None:
    """Look again until the payment has come so far."""
    deadline = time.monotonic() + SETTLES_WITHIN_SECONDS
    while f">{status}<" not in heading(page.request.get(page.url).text()):
        assert time.monotonic() < deadline, page.locator("h1").inner_text()
        select_pause()
    page.reload()
    expect(page.locator("h1 .badge")).to_have_text(status)


def paid(page: Page, callers: Callers, user: str) -> str:
    """A payment of 10.00 USD for 100 credits, and the panel at its page."""
    order = callers.order(user)
    page.request.post(order["paymentUrl"], form={"outcome": "success"}, max_redirects=0)
    page.goto(f"/admin/payments/{order['paymentId']}")
    wait_until(page, "paid")
    return str(order["paymentId"])


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_payment_is_followed_through_the_sandbox(
    visitor: MakeVisitor, callers: Callers, outcome: str
) -> None:
    user = f"payer_{outcome}"
    order = callers.order(user)
    page = at_panel(visitor, NARROW if outcome == "success" else WIDE).page
    page.goto(f"/admin/payments/{order['paymentId']}")
    expect(page.locator("h1 .badge")).to_have_text("pending")
    page.get_by_role("link", name="Where the payer pays").click()
    page.locator(f"button[name=outcome][value={outcome}]").click()
    page.wait_for_load_state()
    page.goto(f"/admin/payments/{order['paymentId']}")
    wait_until(page, OUTCOMES[outcome])
    history = page.get_by_role("table", name="What has happened with this payment")
    if OUTCOMES[outcome] == "paid":
        expect(history).to_contain_text("payment.completed")
        expect(history.get_by_text("Booked: grant")).to_have_count(1)
        assert callers.balance(user) == 100
    else:
        expect(history.locator("tr").last).to_contain_text(OUTCOMES[outcome])
        assert callers.balance(user) == 0


def test_money_is_returned(visitor: MakeVisitor, callers: Callers) -> None:
    user = "refunded_1"
    one = at_panel(visitor)
    page = one.page
    paid(page, callers, user)
    callers.deduct(user, 10)
    page.get_by_role("link", name="Refund", exact=True).click()
    one.check()
    page.get_by_label("Amount").fill("11.00")
    page.get_by_label("Reason").fill(SCRIPT)
    page.get_by_role("button", name="Refund").click()
    expect(page.get_by_role("alert")).to_contain_text("is more than")
    expect(page.get_by_label("Amount")).to_have_value("11.00")
    page.get_by_label("Amount").fill("2.50")
    page.get_by_role("button", name="Refund").click()
    refunds = page.get_by_role("table", name="Refunds of this payment")
    expect(refunds).to_contain_text("2.50 USD")
    expect(refunds).to_contain_text(SCRIPT)
    wait_until(page, "partially refunded")
    assert callers.balance(user) == 65
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    one.check_both()

    page.get_by_role("link", name="Refund", exact=True).click()
    page.get_by_label("Reason").fill("the rest")
    page.get_by_role("button", name="Refund").click()
    wait_until(page, "refunded")
    expect(page.get_by_role("link", name="Refund", exact=True)).to_have_count(0)
    history = page.get_by_role("table", name="What has happened with this payment")
    expect(history.get_by_text("Booked: clawback")).to_have_count(2)
    page.goto(f"/admin/users/{user}")
    expect(page.get_by_text("debt, paid from what comes in")).to_be_visible()
    expect(page.locator(".tile", has_text="debt").locator("b")).to_have_text("10")


def test_money_is_returned_without_javascript(visitor: MakeVisitor, callers: Callers) -> None:
    page = at_panel(visitor, script=False).page
    paid(page, callers, "refunded_plainly")
    page.get_by_role("link", name="Refund", exact=True).click()
    page.get_by_label("Amount").fill("five")
    page.get_by_label("Reason").fill("not used")
    page.get_by_role("button", name="Refund").click()
    expect(page.get_by_role("alert")).to_contain_text("an amount in USD")
    page.get_by_label("Amount").fill("")
    page.get_by_role("button", name="Refund").click()
    wait_until(page, "refunded")
    assert callers.balance("refunded_plainly") == 0


def test_a_refund_that_is_sent_twice_is_made_once(
    visitor: MakeVisitor, session: Session, callers: Callers
) -> None:
    page = at_panel(visitor).page
    path = f"/admin/payments/{paid(page, callers, 'refunded_once')}/refund"
    sent = {**session.form(path), "amount": "1", "reason": "sent twice"}
    statuses = [session.http.post(path, data=sent).status_code for _ in range(2)]
    assert statuses == [303, 303]
    page.reload()
    expect(page.get_by_role("table", name="Refunds").locator("tbody tr")).to_have_count(1)


def test_a_payment_under_review_is_accepted(visitor: MakeVisitor, callers: Callers) -> None:
    user = "reviewed_1"
    order = callers.user(user, "/subscriptions", {"plan": "pro"})
    callers.cancel(user)
    one = at_panel(visitor)
    page = one.page
    page.request.post(order["paymentUrl"], form={"outcome": "success"}, max_redirects=0)
    payment_id = order["subscription"]["payment"]["id"]
    page.goto(f"/admin/payments/{payment_id}")
    wait_until(page, "review")
    one.check_both()
    page.get_by_role("link", name="Payments").first.click()
    page.get_by_role("link", name="To review").click()
    one.check_both()
    page.get_by_role("link", name=payment_id).click()
    page.get_by_role("link", name="Accept", exact=True).click()
    page.get_by_label("Reason").fill("the user wants the credits")
    page.get_by_role("button", name="Accept the payment").click()
    expect(page.get_by_role("status")).to_contain_text("review is ended")
    expect(page.get_by_text("the user wants the credits")).to_be_visible()
    assert callers.balance(user) == 2000
    page.goto("/admin/payments/review")
    expect(page.get_by_role("link", name=payment_id)).to_have_count(0)


@pytest.mark.parametrize("script", [True, False])
def test_payments_are_found(visitor: MakeVisitor, callers: Callers, *, script: bool) -> None:
    user = f"found_{script}"
    ids = [callers.order(user)["paymentId"] for _ in range(2)]
    one = at_panel(visitor, NARROW if script else WIDE, script=script)
    page = one.page
    page.goto("/admin/payments")
    page.get_by_label("Status").select_option("pending")
    page.get_by_label("Gateway").select_option("sandbox")
    page.get_by_label("User").fill(user)
    page.get_by_role("button", name="Show").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    if script:
        one.check_both()
    page.goto(f"/admin/payments?user={user}&limit=1")
    expect(page.get_by_role("link", name=ids[1])).to_be_visible()
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_role("link", name=ids[0])).to_be_visible()
    page.goto(f"/admin/payments?user={user}&status=paid")
    expect(page.get_by_text("No payment is like that.")).to_be_visible()
    page.goto(f"/admin/payments?user={user}&day=2020-01-01")
    expect(page.get_by_text("No payment is like that.")).to_be_visible()


def test_a_filter_that_is_wrong_is_named_and_kept(visitor: MakeVisitor, session: Session) -> None:
    for wrong in ("day=2031-02-30", "day=9999-12-31", "status=unheard", "limit=0", "cursor=x"):
        assert session.http.get(f"/admin/payments?{wrong}").status_code == 400
    one = at_panel(visitor)
    answer = one.page.goto("/admin/payments?user=a%2Fb")
    assert answer is not None
    assert answer.status == 400
    expect(one.page.get_by_role("alert")).to_contain_text("User: expected")
    expect(one.page.get_by_label("User")).to_have_value("a/b")
    one.check()
