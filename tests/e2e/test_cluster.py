"""What holds for one process holds for all of them together, and a consumer sees it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import pytest

from tests.e2e.cluster import Cluster
from tests.e2e.consumer import Consumer
from tests.e2e.service import wrong_clock
from tests.e2e.waiting import gather_bounded

SERVICE = "paraphrase_service"


async def spend(cluster: Cluster, key: str, users: Sequence[str], requests: int) -> None:
    """So many deductions of one credit for each user, in turns, eight at once."""
    async with cluster.by_key(key) as client:
        jobs = [
            client.post("/deduct", {"userId": user, "amount": 1})
            for _ in range(requests)
            for user in users
        ]
        await gather_bounded(jobs, 8)


async def test_every_event_arrives_once_in_order_and_well_formed(cluster: Cluster) -> None:
    key = cluster.key()
    users = [f"user_{n}" for n in range(12)]
    async with Consumer(cluster.messages.url) as consumer:
        for user in users:
            await cluster.give(user, 6)
        await spend(cluster, key, users, 6)
        # One inflow, six deductions, the limit and the stop.
        await consumer.until(dict.fromkeys(users, 9))
        assert consumer.repeats() == 0
    for event, message in zip(consumer.events, consumer.messages, strict=True):
        assert event["specversion"] == "1.0"
        assert event["datacontenttype"] == "application/json"
        assert re.fullmatch(r"\d{20}", event["sequence"])
        assert event["data"]["userId"] == event["subject"]
        assert (message.message_id, message.type) == (event["id"], event["type"])
        assert message.headers["x-class"] in ("critical", "high", "normal")
        assert message.delivery_mode == 2
        expected = event["type"]
        if expected.startswith("service."):
            expected = expected.replace("service.", f"service.{SERVICE}.")
        assert message.routing_key == expected
    stopped = [event for event in consumer.events if event["type"] == "service.stop_user"]
    assert sorted(event["subject"] for event in stopped) == sorted(users)
    # The control queue has each stop as well, though nobody listened to it yet.
    async with Consumer(cluster.messages.url, None, f"{SERVICE}.stop_user") as control:
        await control.until_ids({event["id"] for event in stopped})


async def test_a_key_revoked_in_one_process_is_refused_by_all(cluster: Cluster) -> None:
    key = cluster.key()
    async with cluster.by_key(key) as client, cluster.by_admin() as admin:
        for _ in cluster.services:
            await client.get("/services")
        (listed,) = (await admin.get("/admin/api-keys"))["apiKeys"]
        revoked = await admin.http.delete(f"{cluster.apis[0]}/admin/api-keys/{listed['id']}")
        assert revoked.status_code == 200
        await asyncio.sleep(2)  # what the contract allows
        for api in cluster.apis:
            answer = await client.http.get(f"{api}/services")
            assert answer.status_code == 401


async def kill_workers_in_between(cluster: Cluster, kills: int) -> None:
    """Kill the workers in the moment in which the first event of a batch arrives: it is confirmed,
    and hardly marked yet."""
    key = cluster.key()
    users = [f"user_{n}" for n in range(8)]
    hit = asyncio.Event()

    def kill(_: object) -> None:
        if not hit.is_set():
            for worker in cluster.workers:
                worker.strike()  # both, before the first one's end is waited for
            for worker in cluster.workers:
                worker.kill()
            hit.set()

    hit.set()
    async with Consumer(cluster.messages.url, arrived=kill) as consumer:
        for user in users:
            await cluster.give(user, 1000)
        await consumer.until(dict.fromkeys(users, 1))
        done = 0
        while done < kills or (consumer.repeats() == 0 and done < kills + 6):
            done += 1
            for worker in cluster.workers:
                worker.freeze()
            await spend(cluster, key, users, 4)
            hit.clear()
            for worker in cluster.workers:
                worker.thaw()
            async with asyncio.timeout(60):
                await hit.wait()
            await asyncio.to_thread(cluster.start_workers)
            await consumer.until(dict.fromkeys(users, 1 + 4 * done), seconds=120)
        assert consumer.repeats() > 0, "no kill came in time"


async def test_workers_killed_between_confirm_and_mark(cluster: Cluster) -> None:
    await kill_workers_in_between(cluster, 1)
    cluster.verify()


@pytest.mark.drill
@pytest.mark.timeout(3600)
async def test_workers_killed_thirty_times(cluster: Cluster) -> None:
    await kill_workers_in_between(cluster, 30)
    cluster.verify()


async def test_processes_whose_clocks_differ_by_five_minutes(unstarted_cluster: Cluster) -> None:
    cluster = unstarted_cluster
    for process, seconds in zip(
        (*cluster.services, *cluster.workers), (0, -300, 300, -300), strict=True
    ):
        process.environment |= wrong_clock(seconds)
    cluster.start()
    key = cluster.key()
    body = {"userId": "user_1", "amount": 3, "requestId": "r1"}
    async with Consumer(cluster.messages.url) as consumer:
        await cluster.give("user_1", 20)
        await spend(cluster, key, ["user_1"], 10)
        async with cluster.by_key(key) as client:
            first = await client.send("/deduct", body)
            again = await client.send("/deduct", body)
            assert again.content == first.content
            assert again.headers["idempotency-replayed"] == "true"
            assert (await client.get("/balance/user_1"))["balance"] == 7
            held = await client.post("/holds", {"userId": "user_1", "amount": 2})
            # Made by one clock and ended by the other: at the worst ten minutes early or late.
            await client.post(f"/holds/{held['hold']['id']}/capture", {})
        await consumer.until({"user_1": 13})
        assert consumer.repeats() == 0
    cluster.verify()
