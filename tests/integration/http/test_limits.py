"""How much is taken: rate limits, and refusal when the service is full."""

from __future__ import annotations

import asyncio

import httpx

from shothik_payment.domain.ledger.writer import WriterLimits
from tests.integration.http.support import World, running

DEDUCT = {"userId": "u1", "amount": 1}


def limited(answer: httpx.Response, limit: int) -> bool:
    if answer.status_code != 429:
        return False
    assert answer.json()["error"]["code"] == "rate_limited"
    assert answer.headers["ratelimit-limit"] == str(limit)
    assert answer.headers["ratelimit-remaining"] == "0"
    assert answer.headers["ratelimit-reset"] == answer.headers["retry-after"]
    assert int(answer.headers["retry-after"]) >= 1
    return True


async def test_the_keys_of_a_service_share_its_limit(world: World) -> None:
    await world.give("u1", 100)
    one, two = await world.by_key("slide"), await world.by_key("slide")
    own = await world.by_key("slide", rate_limit=2)
    for client in (one, two, one):
        assert (await client.post("/deduct", json=DEDUCT)).status_code == 200
    written = world.written()
    for path in ("/balance/u1", "/services", "/subscriptions/u1/validate", "/holds/h"):
        assert limited(await two.get(path), 3)
    assert limited(await two.post("/deduct", json=DEDUCT), 3)
    assert limited(await two.post("/holds", json=DEDUCT), 3)
    assert world.written() == written
    assert [(await own.get("/balance/u1")).status_code for _ in range(3)] == [200, 200, 429]
    assert (await (await world.by_key()).get("/balance/u1")).status_code == 200


async def test_what_gives_back_is_never_refused(world: World) -> None:
    await world.give("u1", 100)
    client = await world.by_key("slide")
    done = (await client.post("/deduct", json=DEDUCT)).json()["transactionId"]
    holds = [(await client.post("/holds", json=DEDUCT)).json()["hold"]["id"] for _ in range(2)]
    assert limited(await client.get("/balance/u1"), 3)
    answers = [
        await client.post("/reverse", json={"transactionId": done}),
        await client.post(f"/holds/{holds[0]}/capture"),
        await client.post(f"/holds/{holds[1]}/release"),
        await client.get("/blocklist"),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200]


async def test_a_refused_request_does_not_count() -> None:
    async with running(World(rate_limit_per_hour=2)) as world:
        client = await world.by_key()
        statuses = [(await client.get("/balance/u1")).status_code for _ in range(5)]
        assert statuses == [200, 200, 429, 429, 429]
        world.clock.forward(3600 + 60)
        statuses = [(await client.get("/balance/u1")).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]


async def test_a_wrong_body_does_not_count_and_a_repeat_does(world: World) -> None:
    await world.give("u1", 100)
    client = await world.by_key("slide")
    wrong = {**DEDUCT, "amount": "x"}
    for _ in range(5):
        assert (await client.post("/deduct", json=wrong)).status_code == 400
    keyed = {**DEDUCT, "requestId": "k"}
    statuses = [(await client.post("/deduct", json=keyed)).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    reused = await client.post("/deduct", json={**keyed, "amount": 2})
    assert limited(reused, 3)
    assert (await client.post("/deduct", json=wrong)).status_code == 400


async def test_a_key_without_the_scope_does_not_count(world: World) -> None:
    without = await world.by_key("slide", scopes=[])
    for _ in range(5):
        assert (await without.get("/balance/u1")).status_code == 403
    assert (await (await world.by_key("slide")).get("/balance/u1")).status_code == 200


async def test_ten_initiates_a_minute(world: World) -> None:
    async with world.by_user("u1") as client, world.by_user("u2") as other:
        body = {"packId": "credits_100"}
        for _ in range(10):
            assert (await client.post("/payments/initiate", json=body)).status_code == 200
        assert limited(await client.post("/payments/initiate", json=body), 10)
        for method, path, asked in (
            ("POST", "/subscriptions", {"plan": "pro"}),
            ("POST", "/subscriptions/current/pay", {}),
            ("PATCH", "/subscriptions/current", {"plan": "pro"}),
            ("PATCH", "/subscriptions/current", {"paused": False}),
        ):
            assert limited(await client.request(method, path, json=asked), 10)
        ends = {"cancelAtPeriodEnd": True}  # asks no gateway for anything
        assert (await client.patch("/subscriptions/current", json=ends)).status_code == 404
        assert (await client.get("/payments")).status_code == 200
        assert (await other.post("/payments/initiate", json=body)).status_code == 200


async def test_a_full_service_refuses_writes_at_the_door() -> None:
    async with running(World(limits=WriterLimits(max_queue=2))) as world:
        await world.give("u1", 100)
        client, admin, user = await world.by_key(), world.by_admin(), world.by_user("u1")
        world.store.gate.clear()
        world.store.waiting.clear()
        taken = [
            asyncio.create_task(client.post("/deduct", json={**DEDUCT, "requestId": str(n)}))
            for n in range(2)
        ]
        await world.store.waiting.wait()
        for caller, path in (
            (world.client(), "/deduct"),
            (client, "/deduct"),
            (client, "/reverse"),
            (client, "/holds"),
            (client, "/holds/h/capture"),
            (client, "/holds/h/release"),
            (user, "/payments/initiate"),
            (user, "/subscriptions"),
            (user, "/subscriptions/current/pay"),
            (admin, "/admin/users/u1/subscription/grant"),
            (admin, "/admin/credits"),
            (world.client(), "/webhooks/sandbox"),
        ):
            answer = await caller.post(path, content=b"not looked at")
            assert answer.status_code == 503
            assert answer.json()["error"]["code"] == "unavailable"
            assert answer.headers["retry-after"] == "1"
        assert (await client.get("/balance/u1")).json()["balance"] == 100
        world.store.gate.set()
        assert {(await answer).status_code for answer in taken} == {200}
        assert (await client.post("/deduct", json=DEDUCT)).status_code == 200
