"""Money in and money back, through each gateway, against started processes."""

from __future__ import annotations

import asyncio
from typing import Any

import pymongo
import pytest

from tests.e2e.service import Client
from tests.e2e.shop import Shop
from tests.e2e.tills import Opened, Till
from tests.simulators.bkash.merchant import MSISDN
from tests.simulators.stripe.shapes import CARD_NUMBER
from tests.simulators.stripe.simulator import CREATE_SESSION, GET_SESSION, Fault


async def bought(shop: Shop, till: Till, user_id: str) -> Opened:
    """Paid, and the credits are there."""
    opened = await shop.initiate(till, user_id)
    await till.pay(opened)
    await shop.wait_for_status(opened, user_id, "paid")
    return opened


@pytest.fixture(scope="module", autouse=True)
def vanished(open_shop: Shop) -> dict[Till, Opened]:
    """Who paid and closed the browser, before all other tests: the sweep takes its time."""

    async def one(till: Till) -> Opened:
        opened = await open_shop.initiate(till, f"vanished_{till.name}")
        await till.pay_and_vanish(opened)
        return opened

    async def each() -> dict[Till, Opened]:
        return {till: await one(till) for till in open_shop.tills.values()}

    return asyncio.run(each())


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


async def blocked(service: Client) -> dict[str, list[str]]:
    """Causes by user."""
    users = (await service.get("/blocklist"))["users"]
    return {user["userId"]: user["causes"] for user in users}


async def told_after(admin: Client, user_id: str, count: int) -> list[str]:
    return kinds((await admin.events(user_id))[count:])


@pytest.mark.parametrize("name", ["sandbox", "stripe", "bkash"])
async def test_buying_lets_a_stopped_user_on(shop: Shop, name: str) -> None:
    till, user = shop.tills[name], f"buyer_{name}"
    await shop.deployment.give(user, 1)
    async with shop.deployment.by_key(shop.key) as service, shop.deployment.by_admin() as admin:
        await service.post("/deduct", {"userId": user, "amount": 1})
        told = len(await admin.events(user))
        await bought(shop, till, user)
        assert await told_after(admin, user, told) == [
            "payment.completed", "credit.added", "usage.limit_reset", "service.resume_user",
        ]  # fmt: skip
        assert (await service.get(f"/balance/{user}"))["balance"] == 100


@pytest.mark.parametrize("name", ["sandbox", "stripe", "bkash"])
async def test_a_decline_fails_the_payment_and_nothing_else(shop: Shop, name: str) -> None:
    till, user = shop.tills[name], f"declined_{name}"
    opened = await shop.initiate(till, user)
    await till.decline(opened)
    await shop.wait_for_status(opened, user, "failed")
    async with shop.deployment.by_admin() as admin:
        assert await told_after(admin, user, 0) == ["payment.failed"]


@pytest.mark.parametrize("name", ["sandbox", "stripe", "bkash"])
async def test_a_refund_after_half_is_spent(shop: Shop, name: str) -> None:
    till, user = shop.tills[name], f"refunded_{name}"
    opened = await bought(shop, till, user)
    async with shop.deployment.by_key(shop.key) as service, shop.deployment.by_admin() as admin:
        await service.post("/deduct", {"userId": user, "amount": 50})
        told = len(await admin.events(user))
        path = f"/admin/payments/{opened['paymentId']}/refund"
        whole = shop.price(till)
        part = await admin.post(path, {"amount": whole // 4})
        assert part["payment"]["status"] == "partially_refunded"
        assert (await service.get(f"/balance/{user}"))["balance"] == 25
        rest = await admin.post(path, {})
        assert rest["payment"]["status"] == "refunded"
        assert rest["payment"]["refundedMinor"] == whole
        assert [refund["creditsTaken"] for refund in rest["payment"]["refunds"]] == [25, 75]
        assert (await admin.post(path, {}, status=409))["error"]["code"] == "payment_not_refundable"
        assert await told_after(admin, user, told) == [
            "payment.refunded", "credit.deducted",
            "payment.refunded", "credit.deducted", "usage.limit_exceeded", "service.stop_user",
        ]  # fmt: skip
    async with shop.deployment.by_user(user) as own:
        wallet = (await own.get("/wallet"))["wallet"]
    assert (wallet["balance"], wallet["held"], wallet["debt"]) == (0, 0, 50)
    if till.name != "sandbox":
        assert await till.money(opened) == (whole, whole)


async def test_a_refund_from_the_dashboard_ends_in_the_same_state(shop: Shop) -> None:
    till = shop.stripe
    opened = await bought(shop, till, "dashboard")
    await till.simulator.refund_from_dashboard(opened["sessionId"], 1000)
    await shop.wait_for_status(opened, "dashboard", "refunded")
    async with shop.deployment.by_admin() as admin:
        told = await told_after(admin, "dashboard", 2)
    assert told[:3] == ["payment.refunded", "credit.deducted", "usage.limit_exceeded"]


async def test_a_dispute_stops_the_user_until_it_is_won(shop: Shop) -> None:
    till = shop.stripe
    await shop.deployment.give("disputed", 10)
    opened = await bought(shop, till, "disputed")
    dispute = await till.simulator.open_dispute(opened["sessionId"])
    await shop.wait_for_status(opened, "disputed", "disputed")
    async with shop.deployment.by_key(shop.key) as service, shop.deployment.by_admin() as admin:
        assert (await service.get("/balance/disputed"))["balance"] == 10
        assert (await blocked(service))["disputed"] == ["dispute"]
        await till.simulator.close_dispute(dispute["id"], "won")
        await shop.wait_for_status(opened, "disputed", "won")
        assert (await service.get("/balance/disputed"))["balance"] == 110
        assert "disputed" not in await blocked(service)
        assert (await told_after(admin, "disputed", 0))[-4:] == [
            "credit.deducted", "service.stop_user", "credit.added", "service.resume_user",
        ]  # fmt: skip


async def test_another_amount_than_asked_goes_to_review(shop: Shop) -> None:
    till = shop.stripe
    opened = await shop.initiate(till, "odd")
    await till.simulator.fault(GET_SESSION, Fault.WRONG_AMOUNT, value=900)
    await till.pay(opened)
    await shop.wait_for_status(opened, "odd", "review")
    async with shop.deployment.by_admin() as admin:
        (waiting,) = (await admin.get("/admin/payments/review"))["payments"]
        assert (waiting["id"], waiting["paidMinor"]) == (opened["paymentId"], 900)
        assert waiting["reviewReason"] == "paid 9.00 USD, asked for 10.00 USD"
        path = f"/admin/payments/{opened['paymentId']}/accept"
        await admin.post(path, {"reason": "the rest came by bank transfer"})
        assert (await admin.get("/admin/payments/review"))["payments"] == []
    async with shop.deployment.by_user("odd") as own:
        assert (await own.get("/wallet"))["wallet"]["balance"] == 100


async def test_stripe_s_webhooks_that_must_not_get_in(shop: Shop) -> None:
    till = shop.stripe
    opened = await shop.initiate(till, "forged")
    await till.simulator.send_webhooks_to(None)
    await till.simulator.pay(opened["sessionId"])
    event = (await till.simulator.events("checkout.session.completed"))[-1]
    body, headers = till.simulator.signed(event)
    address = f"{shop.deployment.apis[0]}/webhooks/stripe"
    async with shop.deployment.client("") as anybody:
        for content, sent in (
            (body, {}),
            (body[:-1] + b" }", headers),
            (body, {"stripe-signature": headers["stripe-signature"].replace("v1=", "v1=0")}),
        ):
            answer = await anybody.http.post(address, content=content, headers=sent)
            assert answer.status_code == 401, answer.text
    assert await shop.status(opened, "forged") == "pending"


async def test_nothing_secret_is_logged_told_or_kept(shop: Shop) -> None:
    """After good and bad answers of both gateways, with everything logged."""
    stripe, bkash = shop.stripe.simulator, shop.bkash.simulator
    answers = []
    for fault in (Fault.KEY_REFUSED, Fault.GARBAGE, Fault.ERROR):
        await stripe.fault(CREATE_SESSION, fault, times=4)
        body = {"packId": "credits_100", "gateway": "stripe"}
        async with shop.deployment.by_user("secretive") as user:
            answers.append((await user.send("/payments/initiate", body)).text)
        await stripe.no_more_faults()
    await bkash.refuse_token("create", times=3)
    async with shop.deployment.by_user("secretive") as user:
        body = {"packId": "credits_100", "gateway": "bkash"}
        answers.append((await user.send("/payments/initiate", body)).text)
    for till in (shop.stripe, shop.bkash):
        opened = await bought(shop, till, "secretive")
        address = f"{shop.deployment.apis[0]}/webhooks/{till.name}"
        if till is shop.bkash:
            assert await bkash.notify(address, opened["sessionId"]) == [200]
        async with shop.deployment.by_admin() as admin:
            answers.append(str(await admin.get(f"/admin/payments/{opened['paymentId']}")))
    async with shop.deployment.by_admin() as admin:
        answers.append(str(await admin.events("secretive")))
    logs = [file.read_bytes() for file in shop.deployment.folder.glob("*.log")]
    assert sum(map(len, logs)) > 1_000
    kept = [*logs, *stored(shop), *(answer.encode() for answer in answers)]
    for secret in ("planted", "whsec_of_before", MSISDN, CARD_NUMBER):
        assert [where[:200] for where in kept if secret.encode() in where] == [], secret


async def test_who_closes_the_browser_after_paying_is_found(
    shop: Shop, vanished: dict[Till, Opened]
) -> None:
    """By the sweep: no gateway tells of it."""
    for till, opened in vanished.items():
        user = f"vanished_{till.name}"
        await shop.wait_for_status(opened, user, "paid", seconds=60)
        async with shop.deployment.by_admin() as admin:
            assert await told_after(admin, user, 0) == ["payment.completed", "credit.added"]


def stored(shop: Shop) -> list[bytes]:
    """All that the store keeps."""
    url = shop.deployment.environment["DATABASE_URL"]
    if url.startswith("sqlite"):
        return [file.read_bytes() for file in shop.deployment.folder.glob("shothik.db*")]
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        database = client.get_default_database()
        return [
            str(document).encode()
            for name in database.list_collection_names()
            for document in database[name].find()
        ]
