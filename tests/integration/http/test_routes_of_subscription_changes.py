"""A user's own subscription over HTTP: how it changes, pauses, ends, and is paid again."""

from __future__ import annotations

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
    past_due,
    subscribed,
)
from tests.integration.http.support import World


async def test_up_at_once_and_down_later(world: World, user: httpx.AsyncClient) -> None:
    await subscribed(world, "lite")
    await world.advance(31 * DAY / 2)
    foreseen = done(await user.post("/subscriptions/preview", json={"plan": "pro"}))["preview"]
    assert foreseen == {
        "plan": "pro",
        "effectiveAt": "2030-04-02T05:46:40.000Z",
        "due": {"amountMinor": 1000, "currency": "USD"},
        "credits": 750,
        "renewsAt": MONTH_LATER,
        "renewal": {"amountMinor": 3000, "currency": "USD"},
    }
    written = world.written()
    assert (await current(user))["subscription"]["plan"] == "lite"
    up = done(await user.patch("/subscriptions/current", json={"plan": "pro"}))
    assert (up["subscription"]["plan"], up["paymentUrl"]) == ("pro", None)
    assert world.written() != written
    assert await balance(user) == 1250
    paid = (await user.get("/payments")).json()["payments"]
    assert [payment["amountMinor"] for payment in paid] == [1000, 1000]

    foreseen = done(await user.post("/subscriptions/preview", json={"plan": "lite"}))["preview"]
    assert (foreseen["effectiveAt"], foreseen["due"]) == (MONTH_LATER, None)
    assert foreseen["renewal"] == {"amountMinor": 1000, "currency": "USD"}
    down = done(await user.patch("/subscriptions/current", json={"plan": "lite"}))
    assert (down["subscription"]["plan"], down["subscription"]["nextPlan"]) == ("pro", "lite")
    await world.advance(31 * DAY / 2)
    renewed = (await current(user))["subscription"]
    assert (renewed["plan"], renewed["nextPlan"], renewed["status"]) == ("lite", None, "active")


async def test_an_upgrade_that_the_payer_pays(world: World, user: httpx.AsyncClient) -> None:
    await subscribed(world, "lite")
    await world.gateway.forget_method("u1")
    body = {"plan": "pro", "requestId": "up", **BACK}
    up = await user.patch("/subscriptions/current", json=body)
    asked = done(up)
    assert (asked["subscription"]["plan"], asked["subscription"]["status"]) == ("lite", "active")
    assert asked["subscription"]["payment"]["paidFor"] == "upgrade"
    again = await user.patch("/subscriptions/current", json=body)
    assert (again.content, again.headers["idempotency-replayed"]) == (up.content, "true")
    assert world.gateway.started == 2
    await world.pays(asked["paymentUrl"])
    found = await current(user)
    assert (found["subscription"]["plan"], found["paymentUrl"]) == ("pro", None)


async def test_cancelled_at_the_end_and_taken_back(world: World, user: httpx.AsyncClient) -> None:
    before = (await subscribed(world))["subscription"]
    path = "/subscriptions/current"
    for answer in (await user.delete(path), await user.delete(f"{path}?now=false")):
        assert done(answer)["subscription"] == {**before, "cancelAtPeriodEnd": True}
    kept = await user.patch(path, json={"cancelAtPeriodEnd": False})
    assert done(kept)["subscription"] == before
    again = await user.patch(path, json={"cancelAtPeriodEnd": True})
    assert done(again)["subscription"]["cancelAtPeriodEnd"] is True
    await world.advance(31 * DAY)
    ended = await current(user)
    assert ended["subscription"] == NOTHING
    last = ended["last"]
    assert (last["id"], last["status"], last["endedAt"]) == (before["id"], "cancelled", MONTH_LATER)
    assert (await balance(user), code(await user.delete(path))) == (0, (404, "no_subscription"))
    back = done(await user.post("/subscriptions", json={"plan": "pro"}))["subscription"]
    assert (back["status"], back["id"] == before["id"]) == ("active", False)


@pytest.mark.parametrize("forget", [False, True])
async def test_cancelled_at_once(world: World, user: httpx.AsyncClient, forget: bool) -> None:
    await subscribed(world)
    path, key = "/subscriptions/current?now=true", {"Idempotency-Key": "c1"}
    first = await user.delete(path, headers=key)
    cancelled = done(first)
    assert (cancelled["subscription"]["status"], cancelled["paymentUrl"]) == ("cancelled", None)
    assert cancelled["subscription"]["endedAt"] == START
    assert await balance(user) == 0
    if forget:
        world.clock.forward(601)
    again = await user.delete(path, headers=key)
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    # Under the same key it is asked for in another way.
    for other in ("/subscriptions/current", "/subscriptions/current?now=false"):
        assert code(await user.delete(other, headers=key)) == (422, "idempotency_key_reused")
    assert code(await user.delete(path)) == (404, "no_subscription")


async def test_paused_and_resumed(world: World, user: httpx.AsyncClient) -> None:
    path = "/subscriptions/current"
    before = (await subscribed(world))["subscription"]
    paused = done(await user.patch(path, json={"paused": True}))["subscription"]
    assert paused == {**before, "pauseAtPeriodEnd": True}
    assert done(await user.patch(path, json={"paused": False}))["subscription"] == before
    done(await user.patch(path, json={"paused": True}))
    await world.advance(31 * DAY)
    found = (await current(user))["subscription"]
    assert (found["status"], await balance(user)) == ("paused", 0)
    resumed = done(await user.patch(path, json={"paused": False}))
    assert (resumed["subscription"]["status"], resumed["paymentUrl"]) == ("active", None)
    assert await balance(user) == 2000
    again = await user.patch(path, json={"paused": False})
    assert code(again) == (409, "subscription_status")
    assert again.json()["error"]["details"]["status"] == "active"


async def test_not_every_plan_can_pause(world: World, user: httpx.AsyncClient) -> None:
    await subscribed(world, "lite")
    refused = await user.patch("/subscriptions/current", json={"paused": True})
    assert code(refused) == (409, "subscription_status")
    assert refused.json()["message"] == "This plan cannot be paused."
    assert (await current(user))["subscription"]["pauseAtPeriodEnd"] is False


async def test_a_renewal_is_charged(world: World, user: httpx.AsyncClient) -> None:
    await subscribed(world)
    await world.advance(31 * DAY)
    found = (await current(user))["subscription"]
    assert (found["status"], found["currentPeriodStart"]) == ("active", MONTH_LATER)
    assert found["currentPeriodEnd"] == "2030-05-17T17:46:40.000Z"
    paid = (await user.get("/payments")).json()["payments"]
    assert [payment["status"] for payment in paid] == ["paid", "paid"]


async def test_a_renewal_is_paid_by_the_payer(world: World, user: httpx.AsyncClient) -> None:
    due = await past_due(world)
    subscription = due["subscription"]
    assert (subscription["status"], subscription["payment"]["paidFor"]) == ("past_due", "renewal")
    assert due["paymentUrl"] is not None
    for body in ({}, {"requestId": "p1", **BACK}, {"requestId": "p1", **BACK}):
        asked = await user.post("/subscriptions/current/pay", json=body)
        assert done(asked)["paymentUrl"] == due["paymentUrl"]
    assert asked.headers["idempotency-replayed"] == "true"
    for refused in (
        await user.patch("/subscriptions/current", json={"plan": "lite"}),
        await user.patch("/subscriptions/current", json={"paused": True}),
        await user.patch("/subscriptions/current", json={"cancelAtPeriodEnd": True}),
        await user.post("/subscriptions/preview", json={"plan": "lite"}),
    ):
        assert code(refused) == (409, "subscription_status")
    await world.pays(due["paymentUrl"])
    paid = await current(user)
    assert (paid["subscription"]["status"], paid["paymentUrl"]) == ("active", None)
    assert paid["subscription"]["currentPeriodStart"] == MONTH_LATER
    no_more = await user.post("/subscriptions/current/pay")
    assert code(no_more) == (409, "subscription_status")


async def test_a_link_that_ended_unpaid_is_followed_by_another(
    world: World, user: httpx.AsyncClient
) -> None:
    due = await past_due(world)
    await world.pays(due["paymentUrl"], "cancelled")
    left = await current(user)
    assert (left["subscription"]["payment"], left["paymentUrl"]) == (None, None)
    another = done(await user.post("/subscriptions/current/pay", json=BACK))["paymentUrl"]
    assert another not in (None, due["paymentUrl"])
    await world.pays(another)
    assert (await current(user))["subscription"]["status"] == "active"


async def test_history_in_pages(world: World, user: httpx.AsyncClient) -> None:
    had = (await subscribed(world))["subscription"]
    done(await user.delete("/subscriptions/current"))
    done(await user.patch("/subscriptions/current", json={"cancelAtPeriodEnd": False}))
    whole = done(await user.get("/subscriptions/history"))
    kinds = [step["kind"] for step in whole["history"]]
    assert kinds == ["change_dropped", "change_planned", "started", "created"]
    (payment,) = (await user.get("/payments")).json()["payments"]
    assert whole["history"][2] == {
        "number": 2,
        "at": START,
        "kind": "started",
        "subscriptionId": had["id"],
        "plan": "pro",
        "status": "active",
        "currentPeriodStart": START,
        "currentPeriodEnd": MONTH_LATER,
        "paymentId": payment["id"],
        "reason": None,
    }
    first = done(await user.get("/subscriptions/history?limit=3"))
    path = "/subscriptions/history"
    rest = done(await user.get(path, params={"limit": 3, "cursor": first["next"]}))
    assert (first["history"] + rest["history"], rest["next"]) == (whole["history"], None)
    foreign = (await user.get("/wallet/transactions?limit=1")).json()["next"]
    answer = await user.get(path, params={"cursor": foreign or "cm93czox"})
    assert code(answer) == (400, "invalid_request")
