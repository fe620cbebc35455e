"""Writes of API keys, sent again under their request key."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.http.support import World
from tests.integration.http.test_routes_of_keys import KEYS, made, refusal


@pytest.mark.parametrize("forget", [False, True])
async def test_repeats(world: World, forget: bool) -> None:
    """Each write is done once; `forget`: the finished answer is kept no more."""
    async with world.by_admin() as admin:
        _, view = await made(admin)
        _, other = await made(admin)
        path, repeat = f"{KEYS}/{view['id']}", {"Idempotency-Key": "k"}
        bulk = {"action": "rotate", "keyIds": [other["id"]]}
        calls: list[tuple[str, str, Any]] = [
            ("PATCH", path, {"name": "new"}),
            ("POST", f"{path}/rotate", {"graceSeconds": 60}),
            ("POST", f"{KEYS}/bulk", bulk),
            ("DELETE", path, None),
        ]
        for method, where, body in calls:
            first = await admin.request(method, where, json=body, headers=repeat)
            assert "idempotency-replayed" not in first.headers
            if forget:
                world.clock.forward(601)
            again = await admin.request(method, where, json=body, headers=repeat)
            assert again.headers["idempotency-replayed"] == "true", method
            assert again.status_code == first.status_code
            told, told_again = first.json(), again.json()
            for answer in (told, told_again):
                answer.pop("key", None)
                for result in answer.get("results", ()):
                    del result["key"]
            assert told_again == told
            changed = {**(body or {}), "graceSeconds": 5, "name": "x", "keyIds": ["x"]}
            if method != "DELETE":
                reused = await admin.request(method, where, json=changed, headers=repeat)
                assert refusal(reused) == (422, "idempotency_key_reused")
        elsewhere = await admin.delete(f"{KEYS}/{other['id']}", headers=repeat)
        assert refusal(elsewhere) == (422, "idempotency_key_reused")
        assert len(world.state.api_keys) == 4


async def test_repeats_show_no_key_again(world: World) -> None:
    async with world.by_admin() as admin:
        _, view = await made(admin)
        _, other = await made(admin)
        repeat = {"Idempotency-Key": "k"}
        path = f"{KEYS}/{view['id']}/rotate"
        first = (await admin.post(path, headers=repeat)).json()
        again = (await admin.post(path, headers=repeat)).json()
        assert again == {**first, "key": None}
        body = {"action": "rotate", "keyIds": [other["id"]]}
        (one,) = (await admin.post(f"{KEYS}/bulk", json=body, headers=repeat)).json()["results"]
        (two,) = (await admin.post(f"{KEYS}/bulk", json=body, headers=repeat)).json()["results"]
        assert one["key"] is not None
        assert two == {**one, "key": None}
        assert one["key"] not in str(world.state.api_keys)
