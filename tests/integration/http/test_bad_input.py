"""Bad input: each with its code and its field, and nothing written."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.integration.http.support import World, problems

AMOUNT = "a whole number from 1 to 1000000000"

NUMBERS = ['"5"', "5.0", "5.5", "1e400", "1E2", "true", "-5", "0", "1000000001"]
NUMBERS += [str(2**63), str(10**40), "[]", "{}", '""']


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("field", ["amount", "units"])
async def test_numbers_are_whole_and_in_range(
    client: httpx.AsyncClient, field: str, number: str
) -> None:
    answer = await client.post("/deduct", content=f'{{"userId":"u1","{field}":{number}}}')
    assert problems(answer) == [field]
    assert answer.json()["error"]["details"]["fields"][0]["expected"] == AMOUNT


BAD_USER_IDS = ["", ".", "..", "a b", "a/b", "a\n", "a\u0000", "é", "x" * 129, "x" * 10_000]


@pytest.mark.parametrize("user_id", BAD_USER_IDS)
async def test_user_ids(client: httpx.AsyncClient, user_id: str) -> None:
    answer = await client.post("/deduct", json={"userId": user_id, "amount": 1})
    assert problems(answer) == ["userId"]


@pytest.mark.parametrize("user_id", ["%00", "a%20b", "%2E%2E", "a%0A", "%C3%A9", "x" * 129])
async def test_user_ids_in_paths(client: httpx.AsyncClient, user_id: str) -> None:
    for path in (f"/balance/{user_id}", f"/subscriptions/{user_id}/validate"):
        assert problems(await client.get(path)) == ["userId"]


@pytest.mark.parametrize("user_id", ["a", "x" * 128, "a.b_c:d@e|f+g=h~i-j", "..."])
async def test_user_ids_that_are_fine(world: World, user_id: str) -> None:
    async with await world.by_key() as client:
        answer = await client.get(f"/balance/{user_id}")
    assert answer.json()["userId"] == user_id


@pytest.mark.parametrize("name", ["", " ", "\t", "a\u0000", "a\n", "\u0085", "\u200b", "x" * 129])
async def test_names(client: httpx.AsyncClient, name: str) -> None:
    deduct = {"userId": "u1", "amount": 1}
    for field in ("feature", "service", "requestId"):
        answer = await client.post("/deduct", json={**deduct, field: name})
        assert problems(answer) == [field]
    answer = await client.post("/reverse", json={"transactionId": name})
    assert problems(answer) == ["transactionId"]


@pytest.mark.parametrize(
    ("metadata", "paths"),
    [
        ([], ["metadata"]),
        ("text", ["metadata"]),
        ({"a": {}, "b": 1, "c": [1]}, ["metadata.a", "metadata.c"]),
        ({"": 1}, ["metadata"]),
        ({"a\u0000": 1}, ["metadata"]),
        ({"a": "x\u0000"}, ["metadata.a"]),
        ({"a": 2**63}, ["metadata.a"]),
        ({str(n): n for n in range(21)}, ["metadata"]),
        ({"a": "x" * 4090}, ["metadata"]),
    ],
)
async def test_metadata(client: httpx.AsyncClient, metadata: Any, paths: list[str]) -> None:
    body = {"userId": "u1", "amount": 1, "metadata": metadata}
    assert problems(await client.post("/deduct", json=body)) == paths
    assert problems(await client.post("/holds", json=body)) == paths


async def test_metadata_that_just_fits(world: World) -> None:
    await world.give("u1", 1)
    metadata = {"text": "x" * (4096 - 11)}
    async with await world.by_key() as client:
        answer = await client.post(
            "/deduct", json={"userId": "u1", "amount": 1, "metadata": metadata}
        )
    assert answer.status_code == 200


async def test_every_wrong_field_is_named(client: httpx.AsyncClient) -> None:
    body = {"amount": "5", "units": 0, "service": 7, "feature": "", "metadata": {"a": []}}
    answer = await client.post("/holds", json={**body, "ttlSeconds": 86401, "unknown": []})
    assert problems(answer) == [
        "userId", "amount", "units", "service", "feature", "metadata.a", "ttlSeconds"
    ]  # fmt: skip


@pytest.mark.parametrize("charge", [{}, {"amount": 1, "units": 1}, {"amount": None}])
async def test_amount_or_units(client: httpx.AsyncClient, charge: dict[str, Any]) -> None:
    for path in ("/deduct", "/holds"):
        answer = await client.post(path, json={"userId": "u1", **charge})
        assert problems(answer) == ["amount"]


async def test_unknown_fields_are_ignored_and_null_is_absent(world: World) -> None:
    await world.give("u1", 1)
    body = {"userId": "u1", "amount": 1, "units": None, "metadata": None, "more": {"x": [1]}}
    async with await world.by_key() as client:
        assert (await client.post("/deduct", json=body)).status_code == 200


async def test_services(client: httpx.AsyncClient) -> None:
    deduct = {"userId": "u1", "amount": 1}
    unknown = await client.post("/deduct", json={**deduct, "service": "nobody"})
    assert problems(unknown) == ["service"]
    other = await client.post("/deduct", json={**deduct, "service": "slide_service"})
    assert (other.status_code, other.json()["error"]["code"]) == (403, "wrong_service")
    access = await client.get("/subscriptions/u1/validate?service=slide")
    assert (access.status_code, access.json()["error"]["code"]) == (403, "wrong_service")


@pytest.mark.parametrize(
    ("path", "body", "paths"),
    [
        ("/admin/credits", {}, ["userId", "amount", "reason"]),
        ("/admin/credits", {"userId": "u1", "amount": 0, "reason": "x"}, ["amount"]),
        ("/admin/payments/pay_1/refund", {"amount": 0}, ["amount"]),
        ("/admin/payments/pay_1/refund", {"amount": 1.5, "reason": ""}, ["amount", "reason"]),
        ("/admin/payments/pay_1/refund", {"amount": "5"}, ["amount"]),
        ("/admin/payments/pay_1/accept", {}, ["reason"]),
        ("/admin/users/u1/freeze", {}, ["reason"]),
        ("/admin/users/u1/unfreeze", {"reason": " "}, ["reason"]),
        ("/admin/users/a%20b/freeze", {"reason": "x"}, ["userId"]),
        ("/admin/users/a%20b/subscription/cancel", {"reason": "x"}, ["userId"]),
        ("/admin/users/u1/subscription/cancel", {"now": "yes"}, ["now", "reason"]),
        ("/admin/users/u1/subscription/extend", {"days": 0}, ["days", "reason"]),
        ("/admin/users/u1/subscription/extend", {"days": 367, "reason": "x"}, ["days"]),
        ("/admin/users/u1/subscription/extend", {"days": 1.5, "reason": "x"}, ["days"]),
        ("/admin/users/u1/subscription/grant", {"endsAt": 5}, ["plan", "endsAt", "reason"]),
        ("/admin/users/u1/subscription/grant",
         {"plan": "pro", "reason": "x", "endsAt": "2001-01-01T00:00:00Z"}, ["endsAt"]),
        ("/admin/credits", {"userId": "u1", "amount": 10**9 + 1, "reason": " "},
         ["amount", "reason"]),
        ("/admin/credits", {"userId": "u1", "amount": 1, "reason": "x", "expiresAt": 1},
         ["expiresAt"]),
        ("/admin/credits",
         {"userId": "u1", "amount": 1, "reason": "x", "expiresAt": "2031-01-01T00:00:00"},
         ["expiresAt"]),
        ("/admin/credits",
         {"userId": "u1", "amount": 1, "reason": "x", "expiresAt": "2001-01-01T00:00:00Z"},
         ["expiresAt"]),
        ("/admin/credits",
         {"userId": "u1", "amount": 1, "reason": "x", "expiresAt": "9999-12-31T23:59:59-12:00"},
         ["expiresAt"]),
        ("/admin/api-keys/generate", {"service": "nobody"}, ["service"]),
        ("/admin/api-keys/generate",
         {"service": "slide", "scopes": ["all"], "rateLimit": 0, "allowedIps": [1]},
         ["scopes[0]", "allowedIps[0]", "rateLimit"]),
        ("/admin/api-keys/generate", {"service": "slide", "allowedIps": ["x"]},
         ["allowedIps[0]"]),
    ],
)  # fmt: skip
async def test_what_admins_send(
    world: World, path: str, body: dict[str, Any], paths: list[str]
) -> None:
    async with world.by_admin() as admin:
        before = world.written()
        answer = await admin.post(path, json=body)
        assert problems(answer) == paths
        assert world.written() == before


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({}, ["packId"]),
        ({"packId": "credits_100", "credits": 100}, ["packId"]),
        ({"credits": 9}, ["credits"]),
        ({"packId": 1, "gateway": "", "currency": "usd"}, ["packId", "gateway", "currency"]),
        ({"packId": "credits_100", "gateway": "nobody"}, ["gateway"]),
        ({"packId": "credits_100", "currency": "EUR"}, ["currency"]),
        ({"packId": "credits_100", "successUrl": "javascript:alert(1)"}, ["successUrl"]),
        ({"packId": "credits_100", "cancelUrl": "http://evil.example/"}, ["cancelUrl"]),
        ({"packId": "credits_100", "cancelUrl": "x" * 2049}, ["cancelUrl"]),
    ],
)
async def test_what_buyers_send(world: World, body: dict[str, Any], paths: list[str]) -> None:
    async with world.by_user("u1") as client:
        assert problems(await client.post("/payments/initiate", json=body)) == paths
    assert world.written() == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("method", "path", "body", "paths"),
    [
        ("POST", "", {}, ["plan"]),
        ("POST", "", {"plan": 1, "gateway": "", "currency": "usd"},
         ["gateway", "currency", "plan"]),
        ("POST", "", {"plan": "pro", "gateway": "nobody"}, ["gateway"]),
        ("POST", "", {"plan": "pro", "currency": "EUR"}, ["currency"]),
        ("POST", "", {"plan": "pro", "successUrl": "javascript:alert(1)"}, ["successUrl"]),
        ("POST", "", {"plan": "free", "cancelUrl": "http://evil.example/"}, ["cancelUrl"]),
        ("PATCH", "/current", {}, ["plan"]),
        ("PATCH", "/current", {"plan": None, "paused": None}, ["plan"]),
        ("PATCH", "/current", {"plan": "pro", "paused": False}, ["plan"]),
        ("PATCH", "/current", {"cancelAtPeriodEnd": True, "paused": True}, ["plan"]),
        ("PATCH", "/current", {"cancelAtPeriodEnd": "true"}, ["cancelAtPeriodEnd"]),
        ("PATCH", "/current", {"paused": 1}, ["paused"]),
        ("DELETE", "/current?now=yes", {}, ["now"]),
        ("DELETE", "/current?now=true&now=false", {}, ["now"]),
        ("DELETE", "/current", {"requestId": ""}, ["requestId"]),
        ("POST", "/current/pay", {"successUrl": 5}, ["successUrl"]),
        ("POST", "/preview", {}, ["plan"]),
        ("POST", "/preview", {"plan": "pro", "currency": "EUR"}, ["currency"]),
    ],
)  # fmt: skip
async def test_what_subscribers_send(
    world: World, method: str, path: str, body: dict[str, Any], paths: list[str]
) -> None:
    async with world.by_user("u1") as client:
        answer = await client.request(method, f"/subscriptions{path}", json=body)
        assert problems(answer) == paths
        pages = await client.get("/subscriptions/history?limit=0&cursor=!")
        assert problems(pages) == ["limit", "cursor"]
    assert world.written() == (0, 0, 0, 0)


async def test_request_keys(client: httpx.AsyncClient) -> None:
    body = {"userId": "u1", "amount": 1, "requestId": "a"}
    unequal = await client.post("/deduct", json=body, headers={"Idempotency-Key": "b"})
    assert problems(unequal) == ["requestId"]
    for header in (b"", b" ", b"x" * 129, b"\xff"):
        answer = await client.post("/deduct", json=body, headers={b"Idempotency-Key": header})
        assert problems(answer) == ["Idempotency-Key"]


async def test_replays(world: World) -> None:
    async with world.by_admin() as admin:

        async def problems_of(**body: Any) -> list[str]:
            return problems(await admin.post("/admin/events/replay", json=body))

        times = {"from": "2030-01-01T00:00:00Z", "to": "2030-01-01T00:00:00+00:00"}
        assert await problems_of() == ["from", "to"]
        assert await problems_of(**times) == ["to"]
        assert await problems_of(**times | {"from": "2030-01-01T00:00:00", "to": 5}) == [
            "from",
            "to",
        ]
        wrong = {"userId": "..", "types": ["credit.added", "nothing"], "queue": ""}
        assert await problems_of(**times, **wrong) == ["userId", "types[1]", "queue"]
        assert await problems_of(**times, types=[]) == ["types"]
