"""Bad query parameters, each named."""

from __future__ import annotations

import pytest

from shothik_payment.entrypoints.http.cursors import cursor
from tests.integration.http.support import World, problems


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
        # A cursor that nobody gave out, of a place that is none.
        senseless = cursor("events", "nowhere")
        assert problems(await admin.get(f"/admin/events?after={senseless}")) == ["after"]
        assert problems(await admin.get("/admin/api-keys?service=nobody")) == ["service"]
