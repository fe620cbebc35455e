"""What is answered without Litestar's routing is answered as it would be with it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from litestar.routes import HTTPRoute

from shothik_payment.entrypoints.http.app import DIRECT_ROUTES
from tests.integration.http.support import World

_VARYING = ("x-request-id", "date")
DEDUCT = {"userId": "u1", "amount": 1}


def told(answer: httpx.Response) -> tuple[int, dict[str, str], Any]:
    headers = {name: value for name, value in answer.headers.items() if name not in _VARYING}
    return answer.status_code, headers, answer.json()


def test_their_templates_are_those_of_routes(world: World) -> None:
    served = {
        (method, route.path_format)
        for route in world.app.routing.routes
        if isinstance(route, HTTPRoute)
        for method in route.methods
    }
    assert {(route.method, route.template) for route in DIRECT_ROUTES} <= served
    assert len(DIRECT_ROUTES) == 3


@pytest.mark.parametrize(
    "path",
    [
        "/balance/u1",
        "/balance/nobody",
        "/balance/a%20b",
        "/balance/%C3%A9",
        f"/balance/{'x' * 300}",
        "/subscriptions/u1/validate-access",
        "/subscriptions/u1/validate-access?units=1000000",
        "/subscriptions/u1/validate-access?units=no",
        "/subscriptions/u1/validate-access?service=slide",
        "/subscriptions/validate-access/validate-access",
        "/subscriptions/a%20b/validate-access",
    ],
)
async def test_reads_are_the_same_either_way(world: World, path: str) -> None:
    await world.give("u1", 5)
    way, _, query = path.partition("?")
    for client in (await world.by_key(), world.client()):
        direct = await client.get(path)
        around = await client.get(f"{way}/?{query}")
        assert told(direct) == told(around)


@pytest.mark.parametrize(
    "path",
    [
        "/balance/",
        "/balance/a/b",
        "/subscriptions/a/b/validate-access",
        "/subscriptions//validate-access",
    ],
)
async def test_no_user_or_two_is_no_route(world: World, path: str) -> None:
    answer = await (await world.by_key()).get(path)
    assert answer.status_code == 404


async def test_deductions_are_refused_the_same_either_way(world: World) -> None:
    client = await world.by_key()
    for body in (DEDUCT, {"userId": "u1"}, {"userId": 1, "amount": -1}):
        direct = await client.post("/deduct", json=body)
        around = await client.post("/deduct/", json=body)
        assert told(direct) == told(around)
        assert direct.status_code in (400, 402)
