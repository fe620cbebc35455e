"""The sandbox's checkout page, over HTTP against a started service."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.service import Client, Service, wrong_clock

BACK = {"successUrl": "http://localhost:3000/done?a=1", "cancelUrl": "http://localhost:3000/no"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    started = Service(tmp_path_factory.mktemp("sandbox")).start()
    yield started
    started.kill()


async def buy(client: Client, **more: Any) -> dict[str, Any]:
    body = {"packId": "credits_100", "gateway": "sandbox", "currency": "USD", **more}
    return await client.post("/payments/initiate", body)


async def balance(client: Client) -> int:
    found: int = (await client.get("/wallet"))["wallet"]["balance"]
    return found


async def arrives(client: Client, credits: int, seconds: int) -> None:
    """The browser hears of nothing either: it can only look again."""
    for _ in range(seconds * 5):
        if await balance(client) == credits:
            return
        await asyncio.sleep(0.2)
    raise AssertionError(f"no {credits} credits within {seconds} seconds")


async def visit(
    url: str, form: dict[str, str] | None = None, follow_redirects: bool = False
) -> httpx.Response:
    """As a browser: the page, or what its form is answered with."""
    async with httpx.AsyncClient(follow_redirects=follow_redirects, verify=False) as browser:
        return await (browser.get(url) if form is None else browser.post(url, data=form))


async def choose(
    started: dict[str, Any], outcome: str, follow_redirects: bool = False
) -> httpx.Response:
    return await visit(started["paymentUrl"], {"outcome": outcome}, follow_redirects)


async def test_the_page_shows_what_is_bought(service: Service) -> None:
    async with service.by_user("u.b") as client:
        started = await buy(client, **BACK)
    page = await visit(started["paymentUrl"])
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for shown in ("100 credits", "10.00 USD", "u.b", started["paymentId"]):
        assert shown in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self' http://localhost:3000;" in policy
    assert "script" not in page.text
    assert re.findall(r"(?:src|href)=\"(?!data:)", page.text) == []


@pytest.mark.parametrize(
    ("outcome", "status", "credits", "back"),
    [
        ("success", "paid", 100, "successUrl"),
        ("declined", "failed", 0, "cancelUrl"),
        ("cancelled", "cancelled", 0, "cancelUrl"),
        ("duplicate", "paid", 100, "successUrl"),
        ("out_of_order", "paid", 100, "successUrl"),
    ],
)
async def test_what_is_told_before_the_browser_is_back(
    service: Service, outcome: str, status: str, credits: int, back: str
) -> None:
    async with service.by_user(f"user-{outcome}") as client:
        started = await buy(client, **BACK)
        answer = await choose(started, outcome)
        assert (answer.status_code, answer.headers["location"]) == (303, BACK[back])
        assert await balance(client) == credits
        payment = await client.get(f"/payments/{started['paymentId']}")
        assert payment["payment"]["status"] == status

        again = await choose(started, "success")
        assert again.status_code == 200
        assert "<form" not in again.text
        assert BACK[back].replace("&", "&amp;") in again.text
        assert await balance(client) == credits


async def test_a_late_payment_arrives_after_the_browser(service: Service) -> None:
    async with service.by_user("user-late") as client:
        started = await buy(client, **BACK)
        answer = await choose(started, "late")
        assert answer.status_code == 303
        assert await balance(client) == 0
        await arrives(client, 100, seconds=15)


async def test_without_a_return_address_the_page_says_how_it_ended(service: Service) -> None:
    async with service.by_user("user-stays") as client:
        started = await buy(client)
    answer = await choose(started, "success", follow_redirects=True)
    assert answer.status_code == 200
    assert "Paid." in answer.text
    assert "You can close this page." in answer.text


@pytest.mark.parametrize(
    "form", [{"outcome": "refunded"}, {"outcome": ""}, {"other": "success"}, {}]
)
async def test_an_unknown_outcome_changes_nothing(service: Service, form: dict[str, str]) -> None:
    async with service.by_user("user-unknown") as client:
        started = await buy(client)
        answer = await visit(started["paymentUrl"], form)
        assert answer.status_code == 400
        assert "expected one of success, declined" in answer.text
        assert "<form" in answer.text
        assert await balance(client) == 0


async def test_an_unknown_session_is_not_found(service: Service) -> None:
    for form in (None, {"outcome": "success"}):
        answer = await visit(f"{service.url}/sandbox/checkout/sbx_none", form)
        assert answer.status_code == 404
        assert "There is no such checkout." in answer.text


async def test_an_unsigned_notification_is_refused(service: Service) -> None:
    async with service.by_user("user-forged") as client:
        started = await buy(client)
        told = {
            "paymentId": started["paymentId"],
            "sessionId": started["sessionId"],
            "state": "paid",
            "amountMinor": 1000,
            "currency": "USD",
        }
        for headers in ({}, {"sandbox-signature": f"t={int(time.time())},v1={'0' * 64}"}):
            answer = await client.send("/webhooks/sandbox", told, headers=headers)
            assert answer.status_code == 401
        assert await balance(client) == 0


async def test_a_payment_nobody_told_of_is_found_after_a_restart(tmp_path: Path) -> None:
    service = Service(tmp_path).start()
    async with service.by_user("u1") as client:
        started = await buy(client)
        await choose(started, "timeout")
        assert await balance(client) == 0
    service.kill()
    service.environment |= wrong_clock(30)  # for it, half a minute has passed meanwhile
    service.start()
    async with service.by_user("u1") as client:
        await arrives(client, 100, seconds=15)
    service.kill()
    service.verify()
