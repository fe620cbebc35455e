"""Subscriptions over HTTP: what admins do with anybody's."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.integration.http.subscribers import (
    DAY,
    MONTH_LATER,
    NOTHING,
    START,
    balance,
    code,
    done,
    past_due,
    subscribed,
)
from tests.integration.http.support import World

PATH = "/admin/users/u1/subscription"


@pytest.fixture
async def admin(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with world.by_admin() as client:
        yield client


async def test_they_see_what_the_user_sees(world: World, admin: httpx.AsyncClient) -> None:
    assert done(await admin.get(PATH))["subscription"] == NOTHING
    await subscribed(world)
    async with world.by_user("u1") as user:
        seen = await user.get("/subscriptions/current")
        assert (await admin.get(PATH)).content == seen.content
        steps = await user.get("/subscriptions/history")
        assert (await admin.get(f"{PATH}/history")).content == steps.content
        first = done(await admin.get(f"{PATH}/history?limit=1"))
        assert first["history"] == steps.json()["history"][:1]
        rest = done(await admin.get(f"{PATH}/history", params={"cursor": first["next"]}))
        assert rest["history"] == steps.json()["history"][1:]
        # Their own is another one.
        assert done(await admin.get("/subscriptions/current"))["subscription"] == NOTHING


@pytest.mark.parametrize("forget", [False, True])
async def test_they_extend_a_period(world: World, admin: httpx.AsyncClient, forget: bool) -> None:
    before = (await subscribed(world))["subscription"]
    body = {"days": 10, "reason": "an outage", "requestId": "e1"}
    first = await admin.post(f"{PATH}/extend", json=body)
    ends = "2030-04-27T17:46:40.000Z"
    assert done(first)["subscription"] == {**before, "currentPeriodEnd": ends}
    if forget:
        world.clock.forward(601)
    again = await admin.post(f"{PATH}/extend", json=body)
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    other = await admin.post(f"{PATH}/extend", json={**body, "days": 11})
    assert code(other) == (422, "idempotency_key_reused")
    step = done(await admin.get(f"{PATH}/history"))["history"][0]
    assert (step["kind"], step["reason"], step["currentPeriodEnd"]) == (
        "extended",
        "an outage",
        ends,
    )
    async with world.by_user("u1") as user:
        (grant,) = (await user.get("/wallet")).json()["wallet"]["grants"]
    assert grant["expiresAt"] == ends


async def test_an_extended_renewal_is_not_due_any_more(
    world: World, admin: httpx.AsyncClient
) -> None:
    assert (await past_due(world))["subscription"]["status"] == "past_due"
    extended = done(await admin.post(f"{PATH}/extend", json={"days": 3, "reason": "x"}))
    assert (extended["subscription"]["status"], extended["paymentUrl"]) == ("active", None)
    assert extended["subscription"]["payment"] is None


async def test_they_cancel(world: World, admin: httpx.AsyncClient) -> None:
    before = (await subscribed(world))["subscription"]
    later = done(await admin.post(f"{PATH}/cancel", json={"reason": "by mail"}))
    assert later["subscription"] == {**before, "cancelAtPeriodEnd": True}
    body = {"now": True, "reason": "by phone", "requestId": "c1"}
    at_once = await admin.post(f"{PATH}/cancel", json=body)
    assert done(at_once)["subscription"]["status"] == "cancelled"
    again = await admin.post(f"{PATH}/cancel", json=body)
    assert (again.content, again.headers["idempotency-replayed"]) == (at_once.content, "true")
    seen = done(await admin.get(PATH))
    assert (seen["subscription"], seen["last"]["endedAt"]) == (NOTHING, START)
    step = done(await admin.get(f"{PATH}/history"))["history"][0]
    assert (step["kind"], step["reason"]) == ("cancelled", "by phone")
    async with world.by_user("u1") as user:
        assert await balance(user) == 0


@pytest.mark.parametrize("forget", [False, True])
async def test_they_give_a_plan(world: World, admin: httpx.AsyncClient, forget: bool) -> None:
    body = {"plan": "pro", "reason": "the contest", "requestId": "g1", "userId": "u2"}
    first = await admin.post(f"{PATH}/grant", json=body)
    given = done(first)["subscription"]
    assert (given["status"], given["price"], given["gateway"]) == ("active", None, None)
    assert (given["cancelAtPeriodEnd"], given["currentPeriodEnd"]) == (True, MONTH_LATER)
    if forget:
        world.clock.forward(601)
    again = await admin.post(f"{PATH}/grant", json=body)
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    more = await admin.post(f"{PATH}/grant", json={"plan": "lite", "reason": "x"})
    assert code(more) == (409, "subscription_exists")
    async with world.by_user("u1") as user, world.by_user("u2") as other:
        assert (await balance(user), await balance(other)) == (2000, 0)
        assert (await user.get("/payments")).json()["payments"] == []
        await world.advance(31 * DAY)
        assert await balance(user) == 0
    assert done(await admin.get(PATH))["last"]["status"] == "cancelled"


async def test_they_give_a_plan_until_a_time(world: World, admin: httpx.AsyncClient) -> None:
    ends = "2030-12-31T00:00:00.000Z"
    body = {"plan": "pro", "reason": "x", "endsAt": "2030-12-31T01:00:00+01:00"}
    given = done(await admin.post(f"{PATH}/grant", json=body))["subscription"]
    assert given["currentPeriodEnd"] == ends


async def test_what_is_not_there(world: World, admin: httpx.AsyncClient) -> None:
    for step, body in (("extend", {"days": 1}), ("cancel", {"now": True})):
        answer = await admin.post(f"{PATH}/{step}", json={**body, "reason": "x"})
        assert code(answer) == (404, "no_subscription")
    unknown = await admin.post(f"{PATH}/grant", json={"plan": "gold", "reason": "x"})
    assert code(unknown) == (404, "not_found")
    assert world.written() == (0, 0, 0, 0)


async def test_what_is_not_paid_yet_is_not_extended(world: World, admin: httpx.AsyncClient) -> None:
    async with world.by_user("u1") as user:
        done(await user.post("/subscriptions", json={"plan": "pro"}))
    answer = await admin.post(f"{PATH}/extend", json={"days": 1, "reason": "x"})
    assert code(answer) == (409, "subscription_status")
