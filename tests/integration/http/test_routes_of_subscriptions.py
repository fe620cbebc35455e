"""A user's own subscription over HTTP: how it begins, and whose it is."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.integration.http.subscribers import (
    BACK,
    DAY,
    MONTH_LATER,
    NOTHING,
    START,
    balance,
    code,
    current,
    done,
    subscribed,
)
from tests.integration.http.support import World


async def test_without_one_everybody_is_on_free(user: httpx.AsyncClient) -> None:
    found = await current(user)
    assert found == {"success": True, "subscription": NOTHING, "paymentUrl": None, "last": None}
    assert done(await user.get("/subscriptions/history")) == {
        "success": True,
        "history": [],
        "next": None,
    }


async def test_a_free_plan_is_active_at_once(world: World, user: httpx.AsyncClient) -> None:
    begun = done(await user.post("/subscriptions", json={"plan": "text"}))
    subscription = begun["subscription"]
    assert begun == {"success": True, "subscription": subscription, "paymentUrl": None}
    assert subscription == {
        **NOTHING,
        "id": subscription["id"],
        "plan": "text",
        "title": "Text only",
        "currentPeriodStart": START,
        "currentPeriodEnd": MONTH_LATER,
        "credits": 30,
        "createdAt": START,
    }
    assert await current(user) == {**begun, "last": None}
    assert await balance(user) == 30
    assert (await user.get("/payments")).json()["payments"] == []


async def test_a_plan_with_a_price_is_paid_first(world: World, user: httpx.AsyncClient) -> None:
    begun = done(await user.post("/subscriptions", json={"plan": "pro", **BACK}))
    subscription = begun["subscription"]
    (payment,) = (await user.get("/payments")).json()["payments"]
    assert (payment["amountMinor"], payment["plan"]) == (3000, "pro")
    assert begun["paymentUrl"] == payment["paymentUrl"]
    assert subscription["status"] == "incomplete"
    assert subscription["price"] == {"amountMinor": 3000, "currency": "USD"}
    assert (subscription["gateway"], subscription["credits"]) == ("sandbox", 2000)
    awaited = {"id": payment["id"], "paidFor": "start", "status": "pending"}
    assert subscription["payment"] == awaited
    assert await current(user) == {**begun, "last": None}
    assert await balance(user) == 0

    world.clock.forward(3600)
    await world.pays(begun["paymentUrl"])
    paid = await current(user)
    assert (paid["subscription"]["status"], paid["paymentUrl"]) == ("active", None)
    assert paid["subscription"]["currentPeriodEnd"] == "2030-04-17T18:46:40.000Z"
    assert paid["subscription"]["payment"] is None
    assert await balance(user) == 2000


async def test_a_method_on_file_is_charged_at_once(world: World, user: httpx.AsyncClient) -> None:
    await subscribed(world, "lite")
    done(await user.delete("/subscriptions/current?now=true"))
    begun = done(await user.post("/subscriptions", json={"plan": "pro"}))
    assert (begun["subscription"]["status"], begun["paymentUrl"]) == ("active", None)
    assert world.gateway.started == 1
    assert await balance(user) == 2000


async def test_a_trial(world: World, user: httpx.AsyncClient) -> None:
    begun = done(await user.post("/subscriptions", json={"plan": "trial"}))
    subscription = begun["subscription"]
    assert (subscription["status"], begun["paymentUrl"]) == ("trialing", None)
    assert subscription["trialEndsAt"] == subscription["currentPeriodEnd"]
    assert subscription["trialEndsAt"] == "2030-03-31T17:46:40.000Z"
    assert await balance(user) == 20
    await world.advance(14 * DAY)
    ended = await current(user)
    assert (ended["subscription"]["status"], ended["subscription"]["trialEndsAt"]) == (
        "past_due",
        None,
    )
    assert ended["subscription"]["payment"]["paidFor"] == "renewal"
    assert ended["paymentUrl"].startswith("http://test/sandbox/")


@pytest.mark.parametrize("forget", [False, True])
@pytest.mark.parametrize("plan", ["text", "pro"])
async def test_a_repeat_is_one_subscription(
    world: World, user: httpx.AsyncClient, plan: str, forget: bool
) -> None:
    body = {"plan": plan, "requestId": "s1", **BACK}
    first = await user.post("/subscriptions", json=body)
    if forget:
        world.clock.forward(601)
    written, started = world.written(), world.gateway.started
    again = await user.post("/subscriptions", json=body)
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    assert "idempotency-replayed" not in first.headers
    reused = await user.post("/subscriptions", json={**body, "plan": "lite"})
    assert code(reused) == (422, "idempotency_key_reused")
    assert (world.written(), world.gateway.started) == (written, started)


async def test_many_at_once_are_one(world: World, user: httpx.AsyncClient) -> None:
    body = {"plan": "pro", "requestId": "s1"}
    ended = await asyncio.gather(*(user.post("/subscriptions", json=body) for _ in range(5)))
    assert len({answer.content for answer in ended}) == 1
    assert world.gateway.started == 1
    # Without a key, too: the link that is open stays the one to pay with.
    other = done(await user.post("/subscriptions", json={"plan": "pro"}))
    assert other["paymentUrl"] == ended[0].json()["paymentUrl"]
    assert world.gateway.started == 1


async def test_one_at_a_time(world: World, user: httpx.AsyncClient) -> None:
    had = (await subscribed(world))["subscription"]
    for plan in ("pro", "lite", "text"):
        refused = await user.post("/subscriptions", json={"plan": plan, "requestId": "k"})
        assert code(refused) == (409, "subscription_exists")
    details = refused.json()["error"]["details"]
    assert details == {"subscriptionId": had["id"], "plan": "pro", "status": "active"}
    # The refusal has bound nothing.
    done(await user.delete("/subscriptions/current?now=true"))
    begun = done(await user.post("/subscriptions", json={"plan": "text", "requestId": "k"}))
    assert begun["subscription"]["plan"] == "text"


async def test_a_plan_that_there_is_not(world: World, user: httpx.AsyncClient) -> None:
    for method, path in (
        ("POST", "/subscriptions"),
        ("POST", "/subscriptions/preview"),
        ("PATCH", "/subscriptions/current"),
    ):
        answer = await user.request(method, path, json={"plan": "gold"})
        assert code(answer) == (404, "not_found")
    assert world.written() == (0, 0, 0, 0)


async def test_more_than_may_be_said_changes_nothing(world: World, user: httpx.AsyncClient) -> None:
    more = {
        "userId": "u2",
        "status": "active",
        "price": {"amountMinor": 1, "currency": "USD"},
        "credits": 10**6,
        "savedMethod": True,
        "saved_method": True,
        "currentPeriodEnd": "2040-01-01T00:00:00Z",
        "endsAt": "2040-01-01T00:00:00Z",
        "now": True,
        "days": 300,
        "reason": "because",
    }
    begun = done(await user.post("/subscriptions", json={**more, "plan": "pro"}))["subscription"]
    assert begun["status"] == "incomplete"
    assert begun["price"] == {"amountMinor": 3000, "currency": "USD"}
    await world.pays((await current(user))["paymentUrl"])
    before = (await current(user))["subscription"]
    changed = done(
        await user.patch("/subscriptions/current", json={**more, "cancelAtPeriodEnd": True})
    )["subscription"]
    assert changed == {**before, "cancelAtPeriodEnd": True}
    cancelled = await user.request("DELETE", "/subscriptions/current", json=more)
    assert done(cancelled)["subscription"] == changed
    assert (await balance(user), before["currentPeriodEnd"]) == (2000, MONTH_LATER)
    async with world.by_user("u2") as other:
        assert (await current(other))["subscription"] == NOTHING


async def test_others_have_nothing_of_it(world: World, user: httpx.AsyncClient) -> None:
    await subscribed(world)
    async with world.by_user("u2") as other:
        assert (await current(other))["subscription"] == NOTHING
        assert done(await other.get("/subscriptions/history"))["history"] == []
        for method, path, body in (
            ("PATCH", "/subscriptions/current", {"plan": "lite", "userId": "u1"}),
            ("PATCH", "/subscriptions/current", {"cancelAtPeriodEnd": True}),
            ("PATCH", "/subscriptions/current", {"cancelAtPeriodEnd": False}),
            ("PATCH", "/subscriptions/current", {"paused": True}),
            ("PATCH", "/subscriptions/current", {"paused": False}),
            ("DELETE", "/subscriptions/current?now=true&userId=u1", {"userId": "u1"}),
            ("POST", "/subscriptions/current/pay", {"userId": "u1"}),
        ):
            refused = await other.request(method, path, json=body)
            assert code(refused) == (404, "no_subscription")
    assert (await current(user))["subscription"]["status"] == "active"


async def test_the_frozen_do_not_subscribe(world: World, user: httpx.AsyncClient) -> None:
    await subscribed(world, "lite")
    async with world.by_admin() as admin:
        done(await admin.post("/admin/users/u1/freeze", json={"reason": "fraud"}))
        done(await admin.post("/admin/users/u2/freeze", json={"reason": "fraud"}))
    async with world.by_user("u2") as other:
        refused = await other.post("/subscriptions", json={"plan": "text"})
        assert code(refused) == (403, "user_frozen")
    refused = await user.patch("/subscriptions/current", json={"plan": "pro"})
    assert code(refused) == (403, "user_frozen")
    assert code(await user.post("/subscriptions/preview", json={"plan": "pro"}))[0] == 403
    kept = done(await user.delete("/subscriptions/current"))["subscription"]
    assert kept["cancelAtPeriodEnd"] is True
