"""Repeats under a request key."""

from __future__ import annotations

import asyncio
from hashlib import blake2b
from typing import Any

import httpx
import pytest

from shothik_payment.adapters.codec import decode_transaction
from shothik_payment.domain.errors import GatewayRefused, Unavailable
from shothik_payment.domain.ports.answer_cache import FinishedAnswer
from tests.integration.http.subscribers import DAY, subscribed
from tests.integration.http.support import World

DEDUCT = {"userId": "u1", "amount": 5, "metadata": {"a": 1, "b": 2}}


def keyed(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


async def fresh(world: World) -> httpx.AsyncClient:
    await world.give("u1", 100)
    return await world.by_key()


def forget_answers(world: World) -> None:
    """The fast path is gone, as when it expires; the ledger has to know."""
    world.clock.forward(601)


@pytest.mark.parametrize("forget", [False, True])
async def test_a_repeat_gets_the_first_answer(world: World, forget: bool) -> None:
    client = await fresh(world)
    first = await client.post("/deduct", json=DEDUCT, headers=keyed("k"))
    assert "idempotency-replayed" not in first.headers
    await client.post("/deduct", json={"userId": "u1", "amount": 1})
    if forget:
        forget_answers(world)
    written = world.written()
    reordered = {"metadata": {"b": 2, "a": 1}, "amount": 5, "userId": "u1", "unknown": 1}
    for body, headers in (
        (DEDUCT, keyed("k")),
        (reordered, keyed("k")),
        ({**DEDUCT, "requestId": "k"}, {}),
        ({**DEDUCT, "requestId": "k"}, keyed("k")),
    ):
        again = await client.post("/deduct", json=body, headers=headers)
        assert again.content == first.content
        assert again.headers["idempotency-replayed"] == "true"
    assert world.written() == written


@pytest.mark.parametrize("forget", [False, True])
async def test_another_body_under_the_key(world: World, forget: bool) -> None:
    client = await fresh(world)
    await client.post("/deduct", json=DEDUCT, headers=keyed("k"))
    if forget:
        forget_answers(world)
    written = world.written()
    for changed in (
        {"amount": 6},
        {"metadata": {}},
        {"feature": "f"},
        {"amount": None, "units": 5},
    ):
        answer = await client.post("/deduct", json={**DEDUCT, **changed}, headers=keyed("k"))
        assert answer.status_code == 422
        assert answer.json()["error"]["code"] == "idempotency_key_reused"
    assert world.written() == written


async def test_the_scope_of_a_key(world: World) -> None:
    """Another user, another service, another operation: another request."""
    client = await fresh(world)
    await world.give("u2", 100)
    first = (await client.post("/deduct", json=DEDUCT, headers=keyed("k"))).json()
    other_user = await client.post("/deduct", json={**DEDUCT, "userId": "u2"}, headers=keyed("k"))
    other_service = await (await world.by_key("slide")).post(
        "/deduct", json=DEDUCT, headers=keyed("k")
    )
    reverse = {"transactionId": first["transactionId"]}
    other_operation = await client.post("/reverse", json=reverse, headers=keyed("k"))
    rotated = await (await world.by_key()).post("/deduct", json=DEDUCT, headers=keyed("k"))
    for answer in (other_user, other_service, other_operation):
        assert answer.status_code == 200
        assert "idempotency-replayed" not in answer.headers
    assert rotated.json() == first


async def test_a_refusal_binds_nothing(world: World) -> None:
    client = await world.by_key()
    refused = await client.post("/deduct", json=DEDUCT, headers=keyed("k"))
    assert refused.status_code == 402
    await world.give("u1", 100)
    served = await client.post("/deduct", json=DEDUCT, headers=keyed("k"))
    assert served.json()["newBalance"] == 95


@pytest.mark.parametrize("forget", [False, True])
async def test_holds_are_told_as_they_were(world: World, forget: bool) -> None:
    client = await fresh(world)
    body = {"userId": "u1", "amount": 10, "ttlSeconds": 3600}
    held = await client.post("/holds", json=body, headers=keyed("k"))
    path = f"/holds/{held.json()['hold']['id']}"
    captured = await client.post(f"{path}/capture", json={"amount": 4}, headers=keyed("k"))
    assert captured.json()["newBalance"] == 96
    released = await client.post("/holds", json=body, headers=keyed("other"))
    other = f"/holds/{released.json()['hold']['id']}/release"
    released = await client.post(other, headers=keyed("k"))
    if forget:
        forget_answers(world)
    written = world.written()
    for first, again in (
        (held, await client.post("/holds", json=body, headers=keyed("k"))),
        (captured, await client.post(f"{path}/capture", json={"amount": 4}, headers=keyed("k"))),
        (released, await client.post(other, json={}, headers=keyed("k"))),
    ):
        assert first.status_code == 200
        assert again.content == first.content
        assert again.headers["idempotency-replayed"] == "true"
    assert world.written() == written
    reused = await client.post(f"{path}/capture", json={"amount": 5}, headers=keyed("k"))
    assert reused.json()["error"]["code"] == "idempotency_key_reused"


@pytest.mark.parametrize("forget", [False, True])
async def test_reversals_credits_and_payments(world: World, forget: bool) -> None:
    client = await fresh(world)
    done = (await client.post("/deduct", json=DEDUCT)).json()["transactionId"]
    admin, user = world.by_admin(), world.by_user("u1")
    calls: list[tuple[httpx.AsyncClient, str, dict[str, Any]]] = [
        (client, "/reverse", {"transactionId": done, "amount": 2}),
        (admin, "/admin/credits", {"userId": "u1", "amount": 7, "reason": "r"}),
        (admin, "/admin/credits", {"userId": "u2", "amount": 7, "reason": "r"}),
        (user, "/payments/initiate", {"packId": "credits_100"}),
    ]
    firsts = [await c.post(path, json=body, headers=keyed("k")) for c, path, body in calls]
    if forget:
        forget_answers(world)
    written = world.written()
    for (caller, path, body), first in zip(calls, firsts, strict=True):
        assert first.status_code == 200
        again = await caller.post(path, json=body, headers=keyed("k"))
        assert again.content == first.content
        assert again.headers["idempotency-replayed"] == "true"
    assert world.written() == written
    changed = await user.post("/payments/initiate", json={"credits": 50}, headers=keyed("k"))
    assert changed.json()["error"]["code"] == "idempotency_key_reused"


async def test_a_repeated_generate_shows_no_key(world: World) -> None:
    async with world.by_admin() as admin:
        body = {"service": "slide", "requestId": "k", "expiresAt": "2031-01-01T00:00:00Z"}
        first, again = await asyncio.gather(
            *(admin.post("/admin/api-keys/generate", json=body) for _ in range(2))
        )
        plain = first.json()["key"] or again.json()["key"]
        assert {first.json()["key"], again.json()["key"]} == {plain, None}
        assert first.json()["apiKey"] == again.json()["apiKey"]
        assert (first.status_code, again.status_code) == (201, 201)
        assert plain.encode() not in repr(world.answers.__dict__).encode()
        changed = await admin.post("http://test/admin/api-keys/generate",
                                   json={**body, "service": "paraphrase"})  # fmt: skip
        assert changed.json()["error"]["code"] == "idempotency_key_reused"
    assert len(world.state.api_keys) == 1


async def test_repeats_in_flight_wait_for_the_first(world: World) -> None:
    client = await fresh(world)
    user = world.by_user("u1")
    world.store.gate.clear()
    world.store.waiting.clear()
    buy = {"packId": "credits_100"}
    calls = [
        asyncio.create_task(caller.post(path, json=body, headers=keyed("k")))
        for caller, path, body in (
            *[(client, "/deduct", DEDUCT)] * 20,
            *[(user, "/payments/initiate", buy)] * 5,
        )
    ]
    await world.store.waiting.wait()
    world.store.gate.set()
    answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 2
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 2
    assert len(world.state.payments) == 1
    assert world.gateway.started == 1
    assert (await client.get("/balance/u1")).json()["balance"] == 95


async def test_what_was_answered_before_its_charge_had_an_end_is_charged_by_no_repeat(
    world: World,
) -> None:
    """Neither that charge nor a checkout can be had later; a new charge could."""
    await subscribed(world, "lite")
    user, gateway = world.by_user("u1"), world.gateway
    await user.delete("/subscriptions/current", params={"now": "true"})
    gateway.charge_fails = gateway.checkout_fails = Unavailable("The gateway is away.")
    first = await user.post("/subscriptions", json={"plan": "pro"}, headers=keyed("k"))
    assert (first.status_code, first.json()["subscription"]["status"]) == (200, "incomplete")
    gateway.charge_fails = GatewayRefused("sandbox", "no_saved_method")
    await world.advance(60)
    gateway.charge_fails = gateway.checkout_fails = None
    paid = (await user.get("/payments")).json()["payments"]
    assert [payment["status"] for payment in paid] == ["failed", "paid"]
    for passed, at_hand in ((0, True), (420, True), (180, False), (7 * DAY, False)):
        await world.advance(passed)
        again = await user.post("/subscriptions", json={"plan": "pro"}, headers=keyed("k"))
        assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
        assert (again.content == first.content) is at_hand
    assert (await user.get("/payments")).json()["payments"] == paid


async def test_a_stored_answer_is_believed_only_with_its_fingerprint(world: World) -> None:
    client = await fresh(world)
    await client.post("/deduct", json=DEDUCT, headers=keyed("k"))
    place = "u1\nparaphrase_service POST /deduct k"
    kept = await world.answers.get(place)
    assert kept is not None
    world.answers.put(place, FinishedAnswer(b"x" * 16, kept.body))
    answer = await client.post("/deduct", json=DEDUCT, headers=keyed("k"))
    assert answer.json()["error"]["code"] == "idempotency_key_reused"


async def test_two_request_keys_are_none(world: World) -> None:
    client = await fresh(world)
    written = world.written()
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    refused = await client.post("/deduct", json=DEDUCT, headers=headers)
    assert refused.status_code == 400
    assert refused.json()["error"]["details"]["fields"][0]["path"] == "Idempotency-Key"
    assert world.written() == written


async def test_a_fingerprint_holds_what_was_sent_and_nothing_else(world: World) -> None:
    """Stored for ever: a field that bodies get later must not change it."""
    client = await fresh(world)
    done = await client.post("/deduct", json=DEDUCT, headers=keyed("k"))
    row = decode_transaction(world.state.transactions[done.json()["transactionId"]])
    sent = b'u1\n{"userId":"u1","amount":5,"metadata":{"a":1,"b":2}}'
    assert row.fingerprint == blake2b(sent, digest_size=16).digest()
