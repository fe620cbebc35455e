"""Users in the panel: finding them, what is shown of them, and what is done with their wallets."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.pages.callers import SCRIPT, Callers, Session, at_panel
from tests.e2e.pages.conftest import MakeVisitor
from tests.e2e.service import Service

ODD = "Odd~u=1|a:b.c@x+y_z-9"


@pytest.fixture
def session(shop: Service) -> Iterator[Session]:
    made = Session(shop)
    yield made
    made.close()


def fill(page: Page, **fields: str) -> None:
    for label, text in fields.items():
        page.get_by_label(label.capitalize()).fill(text)


def test_every_page_of_a_user(visitor: MakeVisitor, callers: Callers) -> None:
    user = "whole_1"
    callers.give(user, 100)
    spent = callers.deduct(user, 30, metadata={"document": "d1", "pages": 3})
    callers.service("/reverse", {"transactionId": spent["transactionId"], "amount": 10})
    callers.service("/holds", {"userId": user, "amount": 5})
    callers.admin(
        f"/admin/users/{user}/subscription/grant", {"plan": "pro", "reason": "won a contest"}
    )
    callers.order(user)
    callers.admin(f"/admin/users/{user}/freeze", {"reason": "looked at"})
    one = at_panel(visitor)
    base = f"/admin/users/{user}"
    for tab in ("", "/ledger", "/subscription", "/payments", "/events"):
        one.page.goto(base + tab)
        one.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        one.check_both()
    one.page.goto(f"{base}/adjust")
    one.check_both()
    for action in ("freeze", "unfreeze", "subscription/extend", "subscription/cancel"):
        one.page.goto(f"{base}/{action}")
        one.check()


@pytest.mark.parametrize("script", [True, False])
def test_credits_are_given_and_taken(
    visitor: MakeVisitor, callers: Callers, *, script: bool
) -> None:
    user = f"adjusted_{script}"
    page = at_panel(visitor, script=script).page
    page.goto(f"/admin/users/{user}")
    page.get_by_role("link", name="Adjust credits").click()
    fill(page, credits="50", reason="sorry for the outage", until="2031-01-31T12:00")
    page.get_by_role("button", name="Adjust the credits").click()
    expect(page.get_by_role("status")).to_contain_text("booked")
    assert callers.balance(user) == 50
    expect(page.get_by_role("table", name="Grants")).to_contain_text("2031-01-31 12:00:00")

    page.get_by_role("link", name="Adjust credits").click()
    fill(page, credits="-80", reason="too much")
    with page.expect_response(lambda answer: answer.request.method == "POST") as refused:
        page.get_by_role("button", name="Adjust the credits").click()
    assert refused.value.status == 402
    expect(page.get_by_role("alert")).to_contain_text("80 credits are required, 50 are available")
    expect(page.get_by_label("Credits")).to_have_value("-80")
    expect(page.get_by_label("Reason")).to_have_value("too much")
    fill(page, credits="-20")
    page.get_by_role("button", name="Adjust the credits").click()
    expect(page.get_by_role("status")).to_contain_text("booked")
    assert callers.balance(user) == 30


def test_a_field_that_is_wrong_is_named(visitor: MakeVisitor, callers: Callers) -> None:
    one = at_panel(visitor)
    one.page.goto("/admin/users/wrong_1/adjust")
    fill(one.page, credits="0", reason="nothing")
    one.page.get_by_role("button", name="Adjust the credits").click()
    expect(one.page.get_by_role("alert")).to_contain_text("Credits: expected")
    expect(one.page.get_by_label("Reason")).to_have_value("nothing")
    one.check()
    assert callers.balance("wrong_1") == 0


def test_a_button_that_is_pressed_twice_books_once(visitor: MakeVisitor, callers: Callers) -> None:
    page = at_panel(visitor).page
    page.goto("/admin/users/twice_1/adjust")
    fill(page, credits="7", reason="pressed twice")
    page.get_by_role("button", name="Adjust the credits").dblclick()
    expect(page.get_by_role("status")).to_contain_text("booked")
    assert callers.balance("twice_1") == 7


def test_a_form_that_is_sent_twice_books_once(session: Session, callers: Callers) -> None:
    path = "/admin/users/twice_2/adjust"
    sent = {**session.form(path), "amount": "7", "reason": "sent twice"}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: session.http.post(path, data=sent), range(4)))
    assert [answer.status_code for answer in answers] == [303] * 4
    assert callers.balance("twice_2") == 7
    other = session.http.post(path, data={**sent, "amount": "8"})
    assert other.status_code == 422
    assert callers.balance("twice_2") == 7


@pytest.mark.parametrize("script", [True, False])
def test_a_user_is_frozen_and_let_on(
    visitor: MakeVisitor, callers: Callers, *, script: bool
) -> None:
    user = f"cold_{script}"
    callers.give(user, 10)
    page = at_panel(visitor, script=script).page
    page.goto(f"/admin/users/{user}")
    page.get_by_role("link", name="Freeze").click()
    fill(page, reason="three stolen cards")
    page.get_by_role("button", name="Freeze the user").click()
    expect(page.get_by_role("table", name="What stops the user")).to_contain_text("frozen")
    callers.deduct(user, status=403)
    page.get_by_role("link", name="Users").first.click()
    expect(page.get_by_role("link", name=user)).to_be_visible()

    page.get_by_role("link", name=user).click()
    page.get_by_role("link", name="Unfreeze").click()
    fill(page, reason="they were the user's own")
    page.get_by_role("button", name="Unfreeze the user").click()
    expect(page.get_by_role("status")).to_contain_text("not frozen any more")
    callers.deduct(user)


def test_a_plan_is_given_extended_and_cancelled(visitor: MakeVisitor, callers: Callers) -> None:
    page = at_panel(visitor).page
    page.goto("/admin/users/planned_1/subscription")
    page.get_by_role("link", name="Give a plan").click()
    page.get_by_label("Plan").select_option("pro")
    fill(page, reason="won the contest")
    page.get_by_role("button", name="Give the plan").click()
    expect(page.get_by_role("heading", name="Pro")).to_be_visible()
    page.get_by_role("link", name="Extend the period").click()
    fill(page, days="7", reason="an outage of ours")
    page.get_by_role("button", name="Extend the period").click()
    page.get_by_role("link", name="Cancel the subscription").click()
    page.get_by_label("When").select_option("now")
    fill(page, reason="asked for by mail")
    page.get_by_role("button", name="End the subscription now").click()
    expect(page.get_by_role("status")).to_contain_text("cancelled")
    history = page.get_by_role("table", name="What has happened")
    for told in ("won the contest", "an outage of ours", "asked for by mail"):
        expect(history).to_contain_text(told)


def test_an_odd_user_id_works_in_every_link(visitor: MakeVisitor, callers: Callers) -> None:
    callers.give(ODD, 10)
    spent = callers.deduct(ODD, 3)
    page = at_panel(visitor).page
    page.goto("/admin/users")
    page.get_by_label("Find a user").fill(ODD)
    page.get_by_role("button", name="Find").click()
    for name in ("Ledger", "Subscription", "Payments", "Events", "Wallet"):
        page.get_by_label("About this user").get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(ODD)
    page.get_by_role("link", name="Adjust credits").click()
    fill(page, credits="1", reason="odd")
    page.get_by_role("button", name="Adjust the credits").click()
    expect(page.get_by_role("status")).to_contain_text("booked")
    page.goto("/admin/users")
    page.get_by_label("Find a user").fill(spent["transactionId"])
    page.get_by_role("button", name="Find").click()
    expect(page.locator("tbody tr").first).to_contain_text("−3")
    assert page.url.endswith("#row-2")
    assert f"/users/{quote(ODD, safe='')}/" in page.url


def test_what_is_no_user_id_is_said(visitor: MakeVisitor) -> None:
    one = at_panel(visitor)
    one.page.goto("/admin/users?find=a%2Fb%20%3Cscript%3E")
    expect(one.page.get_by_role("alert")).to_contain_text("a user id")
    expect(one.page.get_by_label("Find a user")).to_have_value("a/b <script>")
    one.check()


def test_stored_script_is_text(visitor: MakeVisitor, callers: Callers) -> None:
    user = "scripted_1"
    callers.give(user, 100, SCRIPT)
    spent = callers.deduct(
        user, 2, feature=SCRIPT, requestId=SCRIPT, metadata={SCRIPT: SCRIPT, "two": SCRIPT}
    )
    callers.service("/reverse", {"transactionId": spent["transactionId"], "reason": SCRIPT})
    callers.service("/holds", {"userId": user, "amount": 1, "feature": SCRIPT})
    callers.admin(f"/admin/users/{user}/subscription/grant", {"plan": "pro", "reason": SCRIPT})
    one = at_panel(visitor)
    for tab, most in (("", 1), ("/ledger", 6), ("/subscription", 1), ("/events", 3)):
        one.page.goto(f"/admin/users/{user}{tab}")
        one.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert one.page.get_by_text(SCRIPT).count() >= most
        assert one.page.title().startswith(user)
        assert one.page.locator("main script").count() == 0
    one.check()


def test_lists_are_paged(visitor: MakeVisitor, callers: Callers) -> None:
    for user in ("zz_1", "zz_2"):
        callers.give(user, 1)
        callers.deduct(user)
    page = at_panel(visitor).page
    page.goto("/admin/users/zz_1/ledger?limit=1")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Older").click()
    expect(page.locator("tbody tr")).to_contain_text("grant_")
    page.get_by_role("link", name="Newest").click()
    expect(page.locator("tbody tr").first).to_contain_text("rewrite")
    page.goto("/admin/users?limit=1")
    seen = []
    while page.get_by_role("link", name="Further").count():
        seen.append(page.locator("td.user").inner_text())
        page.get_by_role("link", name="Further").click()
    seen.append(page.locator("td.user").inner_text())
    assert seen == sorted(set(seen))
    assert {"zz_1", "zz_2"} <= set(seen)
