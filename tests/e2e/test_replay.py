"""Past events told again while the service runs, as its consumers see it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.service import Service
from tests.support.rabbit_client import Client
from tests.support.servers.rabbitmq import VirtualHost

CONTROL = "paraphrase_service.control"
ALL = "everything"


@pytest.fixture
async def client(virtual_host: VirtualHost) -> AsyncIterator[Client]:
    async with Client(virtual_host.url) as client:
        yield client


async def take(client: Client, queue: str, count: int) -> list[dict[str, Any]]:
    return [json.loads((await client.take(queue)).body) for _ in range(count)]


async def test_everyone_hears_the_past_again_and_stops_as_they_are(
    tmp_path: Path, virtual_host: VirtualHost, client: Client
) -> None:
    service = Service(tmp_path, RABBITMQ_URL=virtual_host.url)
    key = service.key_by_command()
    service.start()
    for queue, pattern in ((CONTROL, "service.paraphrase_service.*"), (ALL, "#")):
        await client.assert_queue(queue)
        await client.bind(queue, pattern)
    await service.give("u1", 5)
    async with service.by_key(key) as caller:
        await caller.post("/deduct", {"userId": "u1", "amount": 5})
    first = await take(client, ALL, 4)
    (stop,) = await take(client, CONTROL, 1)

    replay = ["events", "replay", "--from", "2020-01-01", "--json"]
    ended = await asyncio.to_thread(service.run, *replay)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout) == {"replayed": 3, "refused": 0, "retold": 1}
    again = await take(client, ALL, 4)
    assert [e["id"] for e in again[:3]] == [e["id"] for e in first[:3]]
    (anew,) = await take(client, CONTROL, 1)
    assert again[3] == anew
    assert (int(anew["sequence"]), anew["type"]) == (5, "service.stop_user")
    assert anew["id"] != stop["id"]
    assert anew["data"]["causes"] == stop["data"]["causes"] == ["credits_gone"]

    async with service.by_admin() as admin:
        body = {"from": stop["time"], "to": "2100-01-01T00:00:00Z", "queue": CONTROL}
        done = await admin.post("/admin/events/replay", {**body, "types": ["service.stop_user"]})
    assert (done["replayed"], done["retold"]) == (2, 0)
    assert await take(client, CONTROL, 2) == [stop, anew]
    assert service.stop() == 0
    service.verify()
