"""Bodies that cannot be read: each with its code and its field, and nothing written."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.integration.http.support import World, problems, running

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
    assert problems(await client.post("/deduct", content=body)) == ["body"]
    assert problems(await client.post("/reverse", content=body)) == ["body"]


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


async def test_a_body_that_does_not_end_is_not_waited_for() -> None:
    async def drops() -> AsyncIterator[bytes]:
        yield b'{"userId":"u1",'
        await asyncio.Event().wait()

    async with running(World(body_seconds=0.05)) as world, await world.by_key() as service:
        answer = await asyncio.wait_for(service.post("/deduct", content=drops()), 10)
    assert answer.status_code == 400
    assert problems(answer) == ["body"]
