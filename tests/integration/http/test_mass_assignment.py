"""Fields that an operation does not have: they change nothing beyond what it does without them."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import fields
from itertools import count
from typing import Any

import httpx
import pytest
import pytest_asyncio

from shothik_payment.adapters.sandbox.signature import HEADER
from tests.integration.http.operations import DOCUMENT, OPERATIONS, Operation, scene_of, send
from tests.integration.http.support import World, running, token

pytestmark = pytest.mark.asyncio(loop_scope="module")

_YEAR_SECONDS = 366 * 86_400
_WISHES = {
    "role": "admin",
    "isAdmin": True,
    "is_admin": True,
    "status": "active",
    "balance": 1_000_000,
    "available": 1_000_000,
    "held": 0,
    "debt": 0,
    "amountReversed": 1_000_000,
    "newBalance": 1_000_000,
    "id": "chosen",
    "_id": "chosen",
    "version": 0,
    "line": "chosen",
    "legacy": True,
    "gateway": "sandbox",
    "price": {"amountMinor": 1, "currency": "USD"},
    "amountMinor": 1,
    "credits": 1_000_000,
    "amount": 1_000_000,
    "userId": "somebody_else",
    "user_id": "somebody_else",
    "sub": "somebody_else",
    "service": "slide_service",
    "plan": "pro",
    "scopes": [],
    "digest": "0" * 64,
    "revokedAt": None,
    "createdAt": "2001-01-01T00:00:00Z",
    "actor": "admin:boss",
    "__proto__": {"role": "admin"},
    "constructor": {"prototype": {"role": "admin"}},
}


class _CountedIds:
    """The same in every world, so that what two of them store can be compared."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def next(self) -> str:
        return f"{next(self._numbers):028x}"

    def secret(self) -> str:
        return hashlib.sha256(self.next().encode()).hexdigest()[:48]

    def random_bytes(self, length: int) -> bytes:
        return random.Random(next(self._numbers)).randbytes(length)


def _named(value: Any) -> Iterator[tuple[str, Any]]:
    """Every field with a value in it, at any depth."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name, inner
            yield from _named(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _named(inner)


def _every_field() -> dict[str, Any]:
    """Whatever the API calls something, with a value as its documentation shows it."""
    found: dict[str, Any] = {}
    for methods in DOCUMENT["paths"].values():
        for operation in methods.values():
            contents = [answer["content"] for answer in operation["responses"].values()]
            contents += [operation["requestBody"]["content"]] if "requestBody" in operation else []
            for content in contents:
                found.update(_named(content["application/json"].get("example")))
    return found


EXTRAS = {**_every_field(), **_WISHES}


_OF_CHANGES = frozenset(DOCUMENT["components"]["schemas"]["KeyChanges"]["properties"])


def _extended(body: dict[str, Any], own: frozenset[str], extras: dict[str, Any]) -> dict[str, Any]:
    """The body, and the extras that it does not have; the changes of many keys likewise."""
    more = {name: value for name, value in extras.items() if name not in own}
    if "changes" in body:
        body = {**body, "changes": _extended(body["changes"], _OF_CHANGES, extras)}
    return {**more, **body}


_numbers = count(1)
WITH_BODY = [name for name, operation in OPERATIONS.items() if operation.example is not None]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def twins() -> AsyncIterator[tuple[World, World]]:
    """Two that start alike, and are asked for the same but for the extra fields."""
    one, other = (World(ids=_CountedIds(), initiates_per_minute=1000) for _ in range(2))
    async with running(one), running(other):
        yield one, other


@pytest.mark.parametrize("name", WITH_BODY)
async def test_nothing_comes_of_extra_fields(twins: tuple[World, World], name: str) -> None:
    operation, owner = OPERATIONS[name], f"owner{next(_numbers)}"
    plain, extra = twins
    without = await _ask(plain, operation, owner, {})
    with_them = await _ask(extra, operation, owner, EXTRAS)
    assert without.status_code == (404 if name == "POST /admin/test-clock" else operation.status)
    assert (with_them.status_code, with_them.content) == (without.status_code, without.content)
    for part in fields(plain.state):
        own, same = getattr(extra.state, part.name), getattr(plain.state, part.name)
        assert own == same, part.name


async def _ask(
    world: World, operation: Operation, owner: str, extras: dict[str, Any]
) -> httpx.Response:
    """What the caller that it is for asks for, under a request key: what is recognised of a body
    is in the fingerprint that is stored with it."""
    scene = await scene_of(world, operation, owner)
    if isinstance(scene.body, bytes):
        scene.body = json.dumps({**extras, **json.loads(scene.body)}).encode()
        scene.headers = {HEADER: world.signer.sign(scene.body, world.clock.at)}
    else:
        keyed = {"requestId": f"key of {owner}"} if "requestId" in operation.properties else {}
        scene.body = {**_extended(scene.body, operation.properties, extras), **keyed}
    return await send(await _client(world, operation, owner), operation.method, scene)


async def _client(world: World, operation: Operation, owner: str) -> httpx.AsyncClient:
    match operation.needs:
        case "apiKey":
            return await world.by_key()
        case "userToken":
            return world.client(f"Bearer {token(owner, expires_in=_YEAR_SECONDS)}")
        case "adminToken":
            return world.by_admin()
    return world.client()
