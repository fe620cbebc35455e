"""Payments over HTTP: what admins do with them, and the page that a payer comes back to."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from shothik_payment.domain.errors import GatewayRefused, Unavailable
from shothik_payment.domain.ledger.payment_commands import SettlePayment
from shothik_payment.domain.model.money import Money
from tests.integration.http.support import World

BACK = {"successUrl": "http://localhost:3000/ok?a=1", "cancelUrl": "http://localhost:3000/no"}


async def opened(world: World, user: str = "u1", **body: str) -> dict[str, Any]:
    answer = await world.by_user(user).post(
        "/payments/initiate", json={"packId": "credits_100"} | body
    )
    assert answer.status_code == 200, answer.text
    started: dict[str, Any] = answer.json()
    return started


async def bought(world: World, **body: str) -> str:
    """The id of a payment of 10.00 USD for 100 credits."""
    started = await opened(world, **body)
    await world.gateway.decide(started["sessionId"], "success")
    await world.application.settlements.returned("sandbox", started["sessionId"])
    return str(started["paymentId"])


async def under_review(world: World) -> str:
    """The id of a payment that was paid in part."""
    started = await opened(world)
    clock = world.application.clock
    await world.application.writer.submit(
        SettlePayment(
            id=started["paymentId"],
            user_id="u1",
            at=clock.now(),
            payment_id=started["paymentId"],
            paid=Money(999, "USD"),
            reference="ref_1",
        )
    )
    return str(started["paymentId"])


async def balance(world: World) -> int:
    found: int = (await world.by_user("u1").get("/wallet")).json()["wallet"]["balance"]
    return found


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


# Refunds


async def test_admins_refund_in_parts(world: World) -> None:
    payment_id = await bought(world)
    path = f"/admin/payments/{payment_id}"
    async with world.by_admin() as admin:
        body = {"amount": 255, "reason": "not used", "requestId": "r1"}
        first = await admin.post(f"{path}/refund", json=body)
        payment = first.json()["payment"]
        assert (payment["status"], payment["refundedMinor"]) == ("partially_refunded", 255)
        (refund,) = payment["refunds"]
        assert refund == {
            "id": refund["id"],
            "amountMinor": 255,
            "status": "succeeded",
            "reason": "not used",
            "gatewayId": f"sbx_{refund['id']}",
            "creditsTaken": 25,
            "failureCode": None,
            "createdAt": "2030-03-17T17:46:40.000Z",
        }
        assert await balance(world) == 75
        assert (await admin.get(path)).json() == first.json()
        more = await admin.post(f"{path}/refund", json={"amount": 746})
        assert code(more) == (422, "refund_exceeds_payment")
        assert more.json()["error"]["details"] == {
            "requested": 746,
            "refundable": 745,
            "currency": "USD",
        }
        rest = (await admin.post(f"{path}/refund")).json()["payment"]
        assert (rest["status"], rest["refundedMinor"]) == ("refunded", 1000)
        assert await balance(world) == 0
        assert code(await admin.post(f"{path}/refund")) == (409, "payment_not_refundable")
        for action in ("refund", "accept"):
            answer = await admin.post(f"/admin/payments/pay_none/{action}", json={"reason": "r"})
            assert code(answer) == (404, "not_found")
    mine = (await world.by_user("u1").get(f"/payments/{payment_id}")).json()["payment"]
    assert (mine["status"], mine["refundedMinor"]) == ("refunded", 1000)
    assert "refunds" not in mine


@pytest.mark.parametrize("forget", [False, True])
async def test_a_repeated_refund_is_one(world: World, forget: bool) -> None:
    path = f"/admin/payments/{await bought(world)}/refund"
    body = {"amount": 300, "requestId": "r1"}
    async with world.by_admin() as admin:
        first = await admin.post(path, json=body)
        if forget:
            world.clock.forward(601)
        again = await admin.post(path, json=body)
        assert again.headers["idempotency-replayed"] == "true"
        assert again.json() == first.json()
        other = await admin.post(path, json={**body, "amount": 301})
        assert code(other) == (422, "idempotency_key_reused")
    assert await balance(world) == 70


async def test_one_refund_of_a_payment_at_a_time(world: World) -> None:
    path = f"/admin/payments/{await bought(world)}/refund"
    async with world.by_admin() as admin:
        ended = await asyncio.gather(*(admin.post(path, json={"amount": 300}) for _ in range(2)))
    assert sorted(answer.status_code for answer in ended) == [200, 409]
    (refused,) = (answer for answer in ended if answer.status_code == 409)
    assert code(refused) == (409, "refund_in_progress")
    assert await balance(world) == 70


async def test_refused_by_the_gateway_nothing_is_taken(world: World) -> None:
    payment_id = await bought(world)
    world.gateway.refund_fails = [GatewayRefused("sandbox", "too_old"), Unavailable("away")]
    async with world.by_admin() as admin:
        path, body = f"/admin/payments/{payment_id}/refund", {"requestId": "r1"}
        refused = await admin.post(path, json=body)
        assert code(refused) == (422, "gateway_refused")
        assert await balance(world) == 100
        # Its key is free: this is another refund, and without an answer it is pending.
        waiting = await admin.post(path, json=body)
        assert waiting.status_code == 200
        payment = waiting.json()["payment"]
        assert [refund["status"] for refund in payment["refunds"]] == ["failed", "pending"]
        assert (payment["status"], await balance(world)) == ("paid", 0)


# Reviews


async def test_admins_see_what_is_under_review_and_accept_it(world: World) -> None:
    ids = [await under_review(world) for _ in range(3)]
    await bought(world)
    async with world.by_admin() as admin:
        first = (await admin.get("/admin/payments/review?limit=2")).json()
        rest = (await admin.get("/admin/payments/review", params={"cursor": first["next"]})).json()
        listed = first["payments"] + rest["payments"]
        assert ([payment["id"] for payment in listed], rest["next"]) == (ids[::-1], None)
        found = listed[0]
        assert (found["status"], found["paidMinor"], found["paidCurrency"]) == (
            "review",
            999,
            "USD",
        )
        assert found["reviewReason"] == "paid 9.99 USD, asked for 10.00 USD"
        assert (found["userId"], found["reference"]) == ("u1", "ref_1")
        foreign = await admin.get("/admin/payments/review?cursor=nonsense")
        assert code(foreign) == (400, "invalid_request")

        path, body = f"/admin/payments/{ids[0]}/accept", {"reason": "a cent", "requestId": "a1"}
        accepted = await admin.post(path, json=body)
        assert accepted.json()["payment"]["status"] == "paid"
        world.clock.forward(601)
        again = await admin.post(path, json=body)
        assert (again.json(), again.headers["idempotency-replayed"]) == (accepted.json(), "true")
        assert code(await admin.post(path, json={"reason": "again"})) == (409, "conflict")
        left = (await admin.get("/admin/payments/review")).json()["payments"]
        assert [payment["id"] for payment in left] == [ids[2], ids[1]]
    assert await balance(world) == 200


async def test_money_under_review_can_be_returned(world: World) -> None:
    payment_id = await under_review(world)
    async with world.by_admin() as admin:
        # The sandbox knows nothing of that money, and says so.
        answer = await admin.post(f"/admin/payments/{payment_id}/refund")
        assert code(answer) == (422, "gateway_refused")
        found = (await admin.get(f"/admin/payments/{payment_id}")).json()["payment"]
        assert (found["status"], found["refunds"][0]["status"]) == ("review", "failed")


# The payer's browser


async def comes_back(world: World, query: dict[str, str], gateway: str = "sandbox") -> Any:
    return await world.client().get(f"/payments/{gateway}/callback", params=query)


@pytest.mark.parametrize(
    ("outcome", "said", "to"),
    [
        ("success", "success", "successUrl"),
        ("success", "failure", "successUrl"),
        ("declined", "success", "cancelUrl"),
        ("cancelled", "cancel", "cancelUrl"),
        (None, "success", "successUrl"),
        (None, "cancel", "cancelUrl"),
        (None, "", "cancelUrl"),
    ],
)
async def test_a_payer_lands_on_the_payments_own_addresses(
    world: World, outcome: str | None, said: str, to: str
) -> None:
    started = await opened(world, **BACK)
    if outcome is not None:
        await world.gateway.decide(started["sessionId"], outcome)
    query = {"paymentID": started["sessionId"], "status": said, "signature": "x"}
    evil = dict.fromkeys(("successUrl", "cancelUrl", "url", "next"), "https://evil.example/")
    for more in ({}, evil):
        answer = await comes_back(world, query | more)
        assert (answer.status_code, answer.headers["location"]) == (303, BACK[to])
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
    assert await balance(world) == (100 if outcome == "success" else 0)


@pytest.mark.parametrize(
    ("query", "gateway"),
    [
        ({}, "sandbox"),
        ({"paymentID": ""}, "sandbox"),
        ({"paymentID": "sbx_none", "status": "success"}, "sandbox"),
        ({"paymentID": "x" * 256}, "sandbox"),
        ({"paymentID": "\u2028<script>"}, "sandbox"),
        ({"paymentID": "sbx_none"}, "paypal"),
    ],
)
async def test_an_unknown_checkout_has_a_page_of_its_own(
    world: World, query: dict[str, str], gateway: str
) -> None:
    answer = await comes_back(world, query, gateway)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "There is no such payment." in answer.text
    assert "<script" not in answer.text
    assert "sbx_none" not in answer.text


@pytest.mark.parametrize(
    ("outcome", "said", "shown"),
    [
        ("success", "success", "100 credits are yours."),
        ("declined", "success", "Nothing was paid."),
        (None, "success", "The payment is being confirmed"),
        (None, "cancel", "Nothing was paid."),
    ],
)
async def test_without_addresses_the_page_says_how_it_stands(
    world: World, outcome: str | None, said: str, shown: str
) -> None:
    started = await opened(world)
    if outcome is not None:
        await world.gateway.decide(started["sessionId"], outcome)
    answer = await comes_back(world, {"paymentID": started["sessionId"], "status": said})
    assert (answer.status_code, "location" in answer.headers) == (200, False)
    assert shown in answer.text


async def test_a_browser_that_comes_back_often_settles_once(world: World) -> None:
    started = await opened(world, **BACK)
    await world.gateway.decide(started["sessionId"], "success")
    query = {"paymentID": started["sessionId"], "status": "success"}
    answers = await asyncio.gather(*(comes_back(world, query) for _ in range(5)))
    assert {answer.headers["location"] for answer in answers} == {BACK["successUrl"]}
    assert await balance(world) == 100
