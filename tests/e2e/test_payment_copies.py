"""A thousand copies of what a gateway tells, shuffled, over four processes: one effect."""

from __future__ import annotations

import asyncio

import httpx

from tests.e2e.service import Service
from tests.e2e.shop import Shop
from tests.e2e.tills import Opened

COPIES = 1_000


async def polled(shop: Shop, opened: Opened, user: str, done: asyncio.Event) -> None:
    """The front end asks for the payment's status all the while."""
    async with shop.deployment.by_user(user) as own:
        while not done.is_set():
            await own.get(f"/payments/{opened['paymentId']}")
            await asyncio.sleep(0.02)


async def settled_once(shop: Shop, opened: Opened, user: str) -> None:
    await shop.wait_for_status(opened, user, "paid")
    async with shop.deployment.by_admin() as admin, shop.deployment.by_user(user) as own:
        told = [event["type"] for event in await admin.events(user)]
        assert told == ["payment.completed", "credit.added"]
        assert (await own.get("/wallet"))["wallet"]["balance"] == 100
        rows = (await own.get("/wallet/transactions"))["transactions"]
        assert [row["kind"] for row in rows] == ["grant"]
    shop.deployment.verify()


def four_processes(shop: Shop) -> Service:
    service = shop.deployment
    assert isinstance(service, Service)
    service.environment["WORKERS"] = "4"
    return service.start()


async def test_stripe_s_notifications(unstarted_shop: Shop) -> None:
    shop, till = unstarted_shop, unstarted_shop.stripe
    service = four_processes(shop)
    opened = await shop.initiate(till, "copied")
    done = asyncio.Event()
    polls = asyncio.create_task(polled(shop, opened, "copied", done))
    await till.pay(opened)
    events = await till.simulator.events("checkout.session.completed")
    back = f"{service.api}/payments/stripe/callback?paymentID={opened['sessionId']}&status=success"
    async with httpx.AsyncClient(trust_env=False, timeout=60, verify=False) as browser:
        sent, *returned = await asyncio.gather(
            till.simulator.send_webhooks(
                [f"{service.api}/webhooks/stripe"], events, copies=COPIES, order="shuffled"
            ),
            *(browser.get(back) for _ in range(10)),
        )
    done.set()
    await polls
    assert (len(events), len(sent), set(sent)) == (1, COPIES, {200})
    assert {answer.status_code for answer in returned} == {200}
    await settled_once(shop, opened, "copied")


async def test_bkash_s_notifications(unstarted_shop: Shop) -> None:
    shop, till = unstarted_shop, unstarted_shop.bkash
    service = four_processes(shop)
    opened = await shop.initiate(till, "copied")
    back = await till.simulator.approve(opened["sessionId"])
    done = asyncio.Event()
    polls = asyncio.create_task(polled(shop, opened, "copied", done))
    async with httpx.AsyncClient(trust_env=False, timeout=60, verify=False) as browser:
        returned = await asyncio.gather(*(browser.get(back) for _ in range(10)))
        address = f"{service.api}/webhooks/bkash"
        sent = await till.simulator.notify(address, opened["sessionId"], COPIES)
        again = await asyncio.gather(*(browser.get(back) for _ in range(5)))
    done.set()
    await polls
    assert (len(sent), set(sent)) == (COPIES, {200})
    assert {answer.status_code for answer in (*returned, *again)} == {200}
    await settled_once(shop, opened, "copied")
    assert await till.money(opened) == (120_000, 0)
