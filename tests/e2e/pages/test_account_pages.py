"""A user's pages: what they show of the wallet, and of nobody else's."""

from __future__ import annotations

import httpx
from playwright.sync_api import expect

from tests.e2e.pages.accounts import at_account
from tests.e2e.pages.browser import NARROW, Visitor
from tests.e2e.pages.callers import SCRIPT, Callers
from tests.e2e.pages.conftest import MakeVisitor
from tests.e2e.service import Service, token

PATHS = ("", "/history", "/plan", "/buy", "/payments")


def open_details(one: Visitor) -> None:
    one.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")


def test_every_page(visitor: MakeVisitor, callers: Callers) -> None:
    user = "seen_1"
    payment = callers.buy(user)
    callers.admin(f"/admin/users/{user}/subscription/grant", {"plan": "team", "reason": "a prize"})
    spent = callers.deduct(user, 30, metadata={"document": "d1", "pages": 3})
    callers.service("/reverse", {"transactionId": spent["transactionId"], "amount": 10})
    callers.service("/holds", {"userId": user, "amount": 5})
    waiting = callers.order(user)["paymentId"]
    one = at_account(visitor, user)
    for path in (*PATHS, f"/payments/{payment}", f"/payments/{waiting}", "/plan/cancel"):
        one.page.goto(f"/account{path}")
        open_details(one)
        one.check_both()
    for path in ("/plan/pay", "/plan/change/pro", "/plan/begin/pro"):
        one.page.goto(f"/account{path}")
        one.check()


def test_the_pages_on_the_way(visitor: MakeVisitor, callers: Callers) -> None:
    """They lead on by themselves; here they are held."""
    opened = callers.order("way_1")
    one = at_account(visitor, "way_1", width=NARROW)
    for target in ("/sandbox/**", "/account/payments/*"):
        one.page.route(f"{one.url}{target}", lambda route: route.fulfill(status=204))
    one.page.goto(f"/account/payments/{opened['paymentId']}/go")
    expect(one.page.locator("main")).to_contain_text("10.00 USD for 100 credits")
    on = one.page.get_by_role("link", name="Go on to pay")
    expect(on).to_have_attribute("href", opened["paymentUrl"])
    one.check()
    one.page.goto(f"/account/returned/{opened['paymentId']}")
    expect(one.page.get_by_role("link", name="See how")).to_be_visible()
    one.check()


def test_a_user_who_was_never_seen(visitor: MakeVisitor) -> None:
    one = at_account(visitor, "new_1", width=NARROW)
    for path in PATHS:
        answer = one.page.goto(f"/account{path}")
        assert answer is not None
        assert answer.status == 200
        one.check()


def test_the_balance_says_what_ends_when(visitor: MakeVisitor, callers: Callers) -> None:
    ending = {"userId": "ends_1", "amount": 40, "expiresAt": "2031-01-31T12:00:00Z"}
    callers.admin("/admin/credits", {**ending, "reason": "sorry"})
    callers.give("ends_1", 1_000)
    callers.service("/holds", {"userId": "ends_1", "amount": 15})
    page = at_account(visitor, "ends_1").page
    page.goto("/account")
    tiles = page.locator(".tile")
    expect(tiles.nth(0)).to_contain_text("1,025")
    expect(tiles.nth(1)).to_contain_text("15")
    rows = page.get_by_role("table", name="in the order").locator("tbody tr")
    expect(rows.nth(0)).to_contain_text("2031-01-31")
    expect(rows.nth(0)).to_contain_text("15 reserved")
    expect(rows.nth(1)).to_contain_text("no end")


def test_the_balance_says_why_nothing_works(visitor: MakeVisitor, callers: Callers) -> None:
    callers.give("stopped_1", 10)
    callers.deduct("stopped_1", 10)
    one = at_account(visitor, "stopped_1")
    one.page.goto("/account")
    expect(one.page.locator(".notice")).to_contain_text("credits are used up")
    one.check()
    callers.admin("/admin/users/stopped_1/freeze", {"reason": "secret suspicion"})
    one.page.reload()
    expect(one.page.locator(".notice.bad")).to_contain_text("frozen")
    assert "secret suspicion" not in one.page.content()
    for path in ("/buy", "/plan"):
        one.page.goto(f"/account{path}")
        expect(one.page.locator(".notice.bad")).to_contain_text("frozen")
        one.check()


def test_history_is_paged(visitor: MakeVisitor, callers: Callers) -> None:
    callers.give("paged_1", 10)
    callers.deduct("paged_1", 3)
    page = at_account(visitor, "paged_1", script=False).page
    page.goto("/account/history?limit=1")
    expect(page.locator("tbody tr")).to_contain_text("Charged: Paraphrase · rewrite")
    page.get_by_role("link", name="Older").click()
    expect(page.locator("tbody tr")).to_contain_text("+10")
    page.get_by_role("link", name="Newest").click()
    expect(page.locator("tbody tr").first).to_contain_text("−3")


def test_payments_are_paged(visitor: MakeVisitor, callers: Callers) -> None:
    for _ in range(2):
        callers.order("paged_2")
    page = at_account(visitor, "paged_2").page
    page.goto("/account/payments?limit=1")
    newest = page.locator("tbody a").get_attribute("href")
    page.get_by_role("link", name="Older").click()
    assert page.locator("tbody a").get_attribute("href") != newest
    expect(page.get_by_role("link", name="Older")).to_have_count(0)


def test_stored_script_is_text(visitor: MakeVisitor, callers: Callers) -> None:
    user = "scripted_1"
    callers.give(user, 100, SCRIPT)
    spent = callers.deduct(
        user, 2, feature=SCRIPT, requestId=SCRIPT, metadata={SCRIPT: SCRIPT, "two": SCRIPT}
    )
    callers.service("/reverse", {"transactionId": spent["transactionId"], "reason": SCRIPT})
    callers.admin(f"/admin/users/{user}/subscription/grant", {"plan": "pro", "reason": SCRIPT})
    one = at_account(visitor, user)
    for path, most in (("", 6), ("/history", 6), ("/plan", 1)):
        one.page.goto(f"/account{path}?done={SCRIPT}")
        open_details(one)
        assert one.page.get_by_text(SCRIPT).count() >= most
        assert "Shothik account" in one.page.title()
        assert one.page.locator("main script").count() == 0
    one.check()


def test_nobody_sees_what_is_another_users(shop: Service, callers: Callers) -> None:
    own = callers.order("owner_1")["paymentId"]
    with httpx.Client(base_url=shop.url) as http:
        http.post("/account/sign-in", data={"token": token("stranger_1")})
        for path in (f"/account/payments/{own}", f"/account/payments/{own}/go"):
            answer = http.get(path)
            assert answer.status_code == 404
            assert "100 credits" not in answer.text
        listed = http.get("/account/payments").text
        assert own not in listed
    for path in PATHS:
        assert httpx.get(f"{shop.url}/account{path}").status_code == 401
