"""What is counted of a key's requests is what its clients were answered."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections import Counter
from typing import Any

import httpx

from shothik_payment.domain.use_cases.key_usage import FLUSH_SECONDS
from tests.e2e.cluster import Cluster
from tests.e2e.service import Client, Deployment, Service
from tests.e2e.waiting import eventually

CLIENTS = 4
USERS = [f"usage_{n}" for n in range(CLIENTS)]
SLACK_SECONDS = 1.0
"""For a flush to be stored, on a machine that does other things, too."""


class Load:
    """Clients that deduct until they are stopped or the service is gone. `answered`: when, and
    with what status."""

    def __init__(self, client: Client) -> None:
        self.answered: list[tuple[float, int]] = []
        self.sent = 0
        self._client = client
        self._stopping = False
        self._tasks = [asyncio.create_task(self._run(user)) for user in USERS]

    async def _run(self, user_id: str) -> None:
        while not self._stopping:
            self.sent += 1
            try:
                answer = await self._client.send("/deduct", {"userId": user_id, "amount": 1})
            except httpx.TransportError:
                return
            self.answered.append((time.monotonic(), answer.status_code))

    async def ended(self) -> None:
        await asyncio.gather(*self._tasks)

    async def stop(self) -> None:
        self._stopping = True
        await self.ended()

    def by_status(self) -> dict[str, int]:
        return dict(Counter(str(status) for _, status in self.answered))

    async def lasts(self, seconds: float) -> None:
        """By what the clients were answered, so that a load is there as long."""
        began = time.monotonic()

        async def long_enough() -> bool:
            return bool(self.answered) and self.answered[-1][0] - began >= seconds

        await eventually(long_enough)


def made(deployment: Deployment) -> tuple[str, str]:
    """A new key: its id, and what it is."""
    told = deployment.run("keys", "generate", "--service", "paraphrase", "--json")
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    return found["apiKey"]["id"], found["key"]


async def give(deployment: Deployment) -> None:
    for user_id in USERS:
        await deployment.give(user_id, 1_000_000)


async def usage_of(deployment: Deployment, key_id: str) -> dict[str, Any]:
    async with deployment.by_admin() as admin:
        found = await admin.get(f"/admin/api-keys/{key_id}/usage", granularity="hour")
    usage: dict[str, Any] = found["usage"]
    assert sum(point["requests"] for point in usage["points"]) == usage["total"]
    return usage


async def test_a_graceful_stop_under_load_loses_no_count(service: Service) -> None:
    key_id, key = made(service)
    await give(service)
    async with service.by_key(key) as client:
        load = Load(client)
        await load.lasts(0.5)
        assert service.process is not None
        service.process.send_signal(signal.SIGTERM)
        await load.ended()
    assert await asyncio.to_thread(service.stop) == 0
    service.start()
    usage = await usage_of(service, key_id)
    print(f"{usage['total']} requests counted, {len(load.answered)} answered")
    assert usage["byStatus"] == load.by_status()
    assert usage["byEndpoint"] == {"POST /deduct": len(load.answered)}


async def test_a_kill_takes_along_the_last_interval_at_most(service: Service) -> None:
    key_id, key = made(service)
    await give(service)
    async with service.by_key(key) as client:
        load = Load(client)
        await load.lasts(FLUSH_SECONDS + SLACK_SECONDS + 0.5)
        killed = time.monotonic()
        service.kill()
        await load.ended()
    service.start()
    total = (await usage_of(service, key_id))["total"]
    stored_by = killed - FLUSH_SECONDS - SLACK_SECONDS
    long_before = sum(at < stored_by for at, _ in load.answered)
    print(f"{len(load.answered)} answered, {total} counted, {long_before} long before the kill")
    assert 0 < long_before <= total <= load.sent


async def test_a_revoked_key_is_refused_by_every_process_and_counted(cluster: Cluster) -> None:
    key_id, key = made(cluster)
    await give(cluster)
    async with cluster.by_key(key) as client, cluster.by_admin() as admin:
        load = Load(client)
        await load.lasts(1.5)
        revoke = await admin.http.delete(f"{cluster.apis[0]}/admin/api-keys/{key_id}")
        assert revoke.json()["apiKey"]["status"] == "revoked"
        revoked = time.monotonic()
        await load.lasts(3)
        await load.stop()
    accepted = max(at for at, status in load.answered if status == 200)
    print(f"the last request was accepted {accepted - revoked:.3f} s after the revoke's answer")
    assert accepted - revoked < 2
    assert {status for at, status in load.answered if at > accepted} == {401}

    async def all_are_counted() -> bool:
        return bool((await usage_of(cluster, key_id))["byStatus"] == load.by_status())

    await eventually(all_are_counted, seconds=FLUSH_SECONDS + 10)
    async with cluster.by_admin() as admin:
        entries = (await admin.get(f"/admin/api-keys/{key_id}/audit-log"))["entries"]
        refused = [entry for entry in entries if entry["action"] == "refused"]
        found = (await admin.get(f"/admin/api-keys/{key_id}"))["apiKey"]
    assert {entry["changes"]["reason"] for entry in refused} == {"revoked"}
    told = sum(int(entry["changes"]["count"]) for entry in refused)
    assert 0 < told <= load.by_status()["401"]  # what came later waits for ten minutes
    assert found["lastUsedAt"] is not None
