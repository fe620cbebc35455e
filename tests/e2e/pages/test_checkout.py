"""The sandbox's checkout page in a browser."""

from __future__ import annotations

import httpx

from tests.e2e.pages.browser import NARROW
from tests.e2e.pages.conftest import MakeVisitor
from tests.e2e.service import Service, token


def opened(shop: Service, user_id: str = "u1") -> str:
    answer = httpx.post(
        f"{shop.url}/api/v1/payments/initiate",
        json={"packId": "credits_5000", "gateway": "sandbox", "currency": "BDT"},
        headers={"Authorization": f"Bearer {token(user_id)}"},
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["paymentUrl"])


def test_paying(visitor: MakeVisitor, shop: Service) -> None:
    one = visitor()
    one.page.goto(opened(shop, "a" * 128))
    one.check_both()
    one.page.get_by_role("button", name="Pay 45,000.00 BDT").click()
    assert one.page.get_by_role("status").inner_text() == "Paid."
    one.check_both()


def test_by_keyboard_alone(visitor: MakeVisitor, shop: Service) -> None:
    page = visitor(script=False).page
    page.goto(opened(shop))
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert "declined" in page.get_by_role("status").inner_text()


def test_no_such_checkout(visitor: MakeVisitor, shop: Service) -> None:
    one = visitor(width=NARROW)
    one.page.goto("/sandbox/checkout/sbx_none")
    one.page.get_by_text("There is no such checkout.").wait_for()
    one.check()
