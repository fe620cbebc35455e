"""Bad input: each with its code and its field, and nothing written."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.integration.http.support import World

AMOUNT = "a whole number from 1 to 1000000000"
BODY = ["body"]


def problems(answer: httpx.Response) -> list[str]:
    """The paths that a 400 names."""
    assert answer.status_code == 400, answer.text
    failure = answer.json()
    assert failure["success"] is False
    assert failure["message"] == failure["error"]["message"]
    assert failure["error"]["code"] == "invalid_request"
    fields = failure["error"]["details"]["fields"]
    assert all(field["expected"] for field in fields)
    return [field["path"] for field in fields]


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """A service's, for a user who has credits."""
    await world.give("u1", 1000)
    client = await world.by_key()
    before = world.written()
    async with client:
        yield client
    assert world.written() == before


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


NOT_READABLE = {
    "nothing": b"",
    "not JSON": b"userId=u1&amount=1",
    "cut off": b'{"userId":"u1","amount":1',
    "trailing": b'{"userId":"u1","amount":1}{}',
    "a list": b'[{"userId":"u1","amount":1}]',
    "null": b"null",
    "NaN": b'{"userId":"u1","amount":1,"other":NaN}',
    "byte order mark": b'\xef\xbb\xbf{"userId":"u1","amount":1}',
    "UTF-16": '{"userId":"u1","amount":1}'.encode("utf-16"),
    "invalid UTF-8": b'{"userId":"u1","amount":1,"other":"\xff"}',
    "a lone surrogate": b'{"userId":"u1","amount":1,"other":"\\ud800"}',
    "10,000 arrays": b"[" * 10_000 + b"]" * 10_000,
    "10,000 arrays in a field that is ignored": (
        b'{"userId":"u1","amount":1,"other":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
    ),
}


@pytest.mark.parametrize("body", NOT_READABLE.values(), ids=NOT_READABLE)
async def test_bodies_that_cannot_be_read(client: httpx.AsyncClient, body: bytes) -> None:
    assert problems(await client.post("/deduct", content=body)) == BODY
    assert problems(await client.post("/reverse", content=body)) == BODY


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        (b'{"userId":"u1","amount":1,"amount":2}', ["amount"]),
        (b'{"userId":"u1","amount":1,"\\u0061mount":2}', ["amount"]),
        (b'{"userId":"u1","amount":1,"metadata":{"a":1,"a":2}}', ["a"]),
        (b'{"userId":"u1","userId":"u2","amount":1,"amount":2}', ["userId", "amount"]),
    ],
)
async def test_repeated_names(client: httpx.AsyncClient, body: bytes, paths: list[str]) -> None:
    assert problems(await client.post("/deduct", content=body)) == paths


async def test_a_name_that_is_also_a_value_is_not_repeated(world: World) -> None:
    await world.give("u1", 1)
    body = b'{"userId":"u1","amount":1,"feature":"amount","metadata":{"amount":"\\n"},"x":"userId"}'
    async with await world.by_key() as client:
        assert (await client.post("/deduct", content=body)).status_code == 200


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


async def test_a_body_over_64_kib(client: httpx.AsyncClient) -> None:
    body = json.dumps({"userId": "u1", "amount": 1, "more": "x" * 65536})

    async def streamed() -> AsyncIterator[bytes]:
        yield body[:40_000].encode()
        yield body[40_000:].encode()

    for content in (body, streamed()):
        for_path = "/deduct" if content is body else "/reverse"
        answer = await client.post(for_path, content=content)
        assert answer.status_code == 413
        assert answer.json()["error"] == {
            "code": "payload_too_large",
            "message": "The body is larger than 65536 bytes.",
            "details": {"limitBytes": 65536},
        }


async def test_a_body_of_64_kib(world: World) -> None:
    await world.give("u1", 1)
    start = '{"userId":"u1","amount":1,"more":"'
    body = start + "x" * (65536 - len(start) - 2) + '"}'
    async with await world.by_key() as client:
        assert (await client.post("/deduct", content=body)).status_code == 200


@pytest.mark.parametrize(
    ("query", "paths"),
    [
        ("limit=0", ["limit"]),
        ("limit=201", ["limit"]),
        ("limit=5.0", ["limit"]),
        ("limit=%205", ["limit"]),
        ("limit=1_0", ["limit"]),
        ("limit=٥", ["limit"]),
        ("limit=", ["limit"]),
        ("limit=1&limit=2", ["limit"]),
        ("limit=x&cursor=!", ["limit", "cursor"]),
        ("cursor=", ["cursor"]),
        ("cursor=AAAA", ["cursor"]),
        ("cursor=cm93czox&cursor=cm93czox", ["cursor"]),
        ("cursor=cGF5bWVudHM6MQ", ["cursor"]),
        ("cursor=cm93czotMQ", ["cursor"]),
        ("cursor=cm93czo5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5", ["cursor"]),
        ("limit=%FF", ["query"]),
        ("&".join(f"a{n}=1" for n in range(51)), ["query"]),
    ],
)
async def test_queries(world: World, query: str, paths: list[str]) -> None:
    async with world.by_user("u1") as client:
        assert problems(await client.get(f"/wallet/transactions?{query}")) == paths


async def test_other_queries(world: World) -> None:
    async with await world.by_key() as client, world.by_admin() as admin:
        assert problems(await client.get("/blocklist?limit=5001")) == ["limit"]
        assert problems(await client.get("/subscriptions/u1/validate?units=0")) == ["units"]
        huge = await client.get("/subscriptions/u1/validate?units=" + "9" * 30)
        assert problems(huge) == ["units"]
        query = "type=credit.added&type=nothing&userId=..&after=zz"
        answer = await admin.get(f"/admin/events?{query}")
        assert problems(answer) == ["userId", "type[1]"]
        assert problems(await admin.get("/admin/events?after=zz")) == ["after"]
        # Another spelling of the bytes of "ZXZlbnRzOjE".
        assert problems(await admin.get("/admin/events?after=ZXZlbnRzOjF")) == ["after"]
        assert problems(await admin.get("/admin/api-keys?service=nobody")) == ["service"]


@pytest.mark.parametrize(
    ("path", "body", "paths"),
    [
        ("/admin/credits", {}, ["userId", "amount", "reason"]),
        ("/admin/credits", {"userId": "u1", "amount": 0, "reason": "x"}, ["amount"]),
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


async def test_request_keys(client: httpx.AsyncClient) -> None:
    body = {"userId": "u1", "amount": 1, "requestId": "a"}
    unequal = await client.post("/deduct", json=body, headers={"Idempotency-Key": "b"})
    assert problems(unequal) == ["requestId"]
    for header in (b"", b" ", b"x" * 129, b"\xff"):
        answer = await client.post("/deduct", json=body, headers={b"Idempotency-Key": header})
        assert problems(answer) == ["Idempotency-Key"]
