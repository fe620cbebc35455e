"""What tests of subscriptions over HTTP have in common."""

from __future__ import annotations

from typing import Any

import httpx

from tests.integration.http.support import World

DAY = 86_400
BACK = {"successUrl": "http://localhost:3000/ok", "cancelUrl": "http://localhost:3000/no"}
START, MONTH_LATER = "2030-03-17T17:46:40.000Z", "2030-04-17T17:46:40.000Z"
NOTHING = {
    "id": None,
    "plan": "free",
    "title": "Free",
    "status": "active",
    "currentPeriodStart": None,
    "currentPeriodEnd": None,
    "cancelAtPeriodEnd": False,
    "pauseAtPeriodEnd": False,
    "nextPlan": None,
    "price": None,
    "credits": 0,
    "interval": "month",
    "gateway": None,
    "createdAt": None,
    "endedAt": None,
    "trialEndsAt": None,
    "payment": None,
}


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def done(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def current(user: httpx.AsyncClient) -> dict[str, Any]:
    return done(await user.get("/subscriptions/current"))


async def subscribed(world: World, plan: str = "pro", user: str = "u1") -> dict[str, Any]:
    """Paid for in a checkout, after which the method is on file."""
    async with world.by_user(user) as client:
        opened = done(await client.post("/subscriptions", json={"plan": plan, **BACK}))
        if opened["paymentUrl"] is not None:
            await world.pays(opened["paymentUrl"])
        return await current(client)


async def past_due(world: World) -> dict[str, Any]:
    """Its method is gone from the gateway when the renewal is to be charged."""
    await subscribed(world)
    await world.gateway.forget_method("u1")
    await world.advance(31 * DAY)
    async with world.by_user("u1") as client:
        return await current(client)


async def balance(user: httpx.AsyncClient) -> int:
    found: int = (await user.get("/wallet")).json()["wallet"]["balance"]
    return found
