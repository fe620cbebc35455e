"""Servers that go away, come back, forget, refuse and stand still."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import aio_pika
import pytest

from tests.e2e.cluster import Cluster
from tests.e2e.consumer import EXCHANGE, Consumer
from tests.e2e.test_cluster import SERVICE, spend
from tests.e2e.waiting import eventually
from tests.support.servers.mongo import MongoServer, fresh_name, url_of
from tests.support.servers.rabbitmq import RabbitServer, VirtualHost
from tests.support.servers.redis import RedisServer

STOPS = f"{SERVICE}.stop_user"


@pytest.fixture
def cluster(
    tmp_path: Path, own_mongo: MongoServer, own_redis: RedisServer, own_rabbitmq: RabbitServer
) -> Iterator[Cluster]:
    """On servers that the test may stop."""
    messages = own_rabbitmq.virtual_host()
    made = Cluster(tmp_path, url_of(own_mongo, fresh_name()), own_redis.url, messages)
    yield made.start()
    made.kill()


async def health(cluster: Cluster) -> dict[str, str]:
    async with cluster.by_admin() as client:
        answer = await client.http.get(f"{cluster.services[0].url}/health/ready")
        ready: dict[str, str] = answer.json()
        return ready


async def is_well(cluster: Cluster) -> bool:
    return (await health(cluster))["status"] == "ok"


async def is_degraded(cluster: Cluster) -> bool:
    return (await health(cluster))["status"] == "degraded"


async def test_deductions_go_on_without_rabbitmq(
    cluster: Cluster, own_rabbitmq: RabbitServer
) -> None:
    key = cluster.key()
    users = ["user_1", "user_2", "user_3"]
    async with Consumer(cluster.messages.url) as consumer:
        for user in users:
            await cluster.give(user, 100)
        await consumer.until(dict.fromkeys(users, 1))
        load = asyncio.create_task(spend(cluster, key, users, 5))
        await asyncio.to_thread(own_rabbitmq.stop)
        await load
        await spend(cluster, key, users, 10)
        await eventually(lambda: is_degraded(cluster))
        await asyncio.to_thread(own_rabbitmq.restart)
        await consumer.until(dict.fromkeys(users, 16), seconds=90)
    cluster.verify()


async def test_a_deleted_binding_is_made_anew_and_no_stop_is_lost(cluster: Cluster) -> None:
    key = cluster.key()
    await cluster.give("user_1", 1)
    connection = await aio_pika.connect(cluster.messages.url)
    async with connection:
        await eventually(lambda: is_bound(cluster.messages, STOPS))
        queue = await (await connection.channel()).get_queue(STOPS)
        await queue.unbind(EXCHANGE, f"service.{SERVICE}.stop_user")
    await spend(cluster, key, ["user_1"], 1)
    async with Consumer(cluster.messages.url, None, STOPS) as control:
        await control.until_count(1)
        assert control.events[0]["type"] == "service.stop_user"


async def is_bound(messages: VirtualHost, queue: str) -> bool:
    return any(binding["source"] == EXCHANGE for binding in messages.bindings(queue))


async def test_a_queue_that_refuses_holds_up_its_users_only(cluster: Cluster) -> None:
    key = cluster.key()
    async with Consumer(cluster.messages.url) as consumer:
        connection = await aio_pika.connect(cluster.messages.url)
        async with connection:
            channel = await connection.channel()
            full = await channel.declare_queue(
                "full",
                durable=True,
                arguments={"x-max-length": 1, "x-overflow": "reject-publish"},
            )
            await full.bind(EXCHANGE, f"service.{SERVICE}.stop_user")
            for user in ("first", "stuck"):
                await cluster.give(user, 1)
                await spend(cluster, key, [user], 1)
                await consumer.until({user: 4} if user == "first" else {user: 3})
            await cluster.give("other", 5)
            await spend(cluster, key, ["other"], 5)
            # The stuck user's next events wait behind the stop that nobody would take.
            await cluster.give("stuck", 1)
            await consumer.until({"other": 7})
            await full.purge()
            await consumer.until({"stuck": 7})
    cluster.verify()


async def test_redis_stopped_and_then_flushed(cluster: Cluster, own_redis: RedisServer) -> None:
    key = cluster.key()
    await cluster.give("user_1", 100)
    body = {"userId": "user_1", "amount": 3, "requestId": "r1"}
    async with cluster.by_key(key) as client:
        first = await client.send("/deduct", body)
        assert first.status_code == 200
        await asyncio.to_thread(own_redis.stop)
        for _ in cluster.apis:
            again = await client.send("/deduct", body)
            assert again.content == first.content
        await client.post("/deduct", {**body, "requestId": "r2"})
        await eventually(lambda: is_degraded(cluster))
        await asyncio.to_thread(own_redis.up)  # it kept nothing
        again = await client.send("/deduct", body)
        assert again.content == first.content
        assert again.headers["idempotency-replayed"] == "true"
        await eventually(lambda: is_well(cluster))
        assert (await client.get("/balance/user_1"))["balance"] == 94
    cluster.verify()


async def test_mongodb_stopped_for_ten_seconds(cluster: Cluster, own_mongo: MongoServer) -> None:
    key = cluster.key()
    users = ["user_1", "user_2"]
    async with Consumer(cluster.messages.url) as consumer:
        for user in users:
            await cluster.give(user, 100)
        answered: list[tuple[str, int]] = []
        done = asyncio.Event()
        async with cluster.by_key(key) as client:

            async def deduct(number: int) -> None:
                count = 0
                while not done.is_set():
                    count += 1
                    request = f"{number}-{count}"
                    body = {"userId": users[number % 2], "amount": 1, "requestId": request}
                    answer = await client.send("/deduct", body)
                    answered.append((request, answer.status_code))
                    if answer.status_code == 503:
                        assert "retry-after" in answer.headers
                        await asyncio.sleep(0.5)

            load = [asyncio.create_task(deduct(n)) for n in range(4)]
            await asyncio.to_thread(own_mongo.stop)
            await asyncio.sleep(10)
            await asyncio.to_thread(own_mongo.start)
            await eventually(lambda: is_well(cluster))
            seen = len(answered)

            async def all_is_well() -> bool:
                return [status for _, status in answered[seen:]].count(200) >= 4

            await eventually(all_is_well)
            done.set()
            await asyncio.gather(*load)
            assert {status for _, status in answered} == {200, 503}
            # What was answered 503 may have been done, or not; repeated, it is done once.
            for request, status in answered:
                if status == 503:
                    user = users[int(request.partition("-")[0]) % 2]
                    await client.post(
                        "/deduct", {"userId": user, "amount": 1, "requestId": request}
                    )
            left = [(await client.get(f"/balance/{user}"))["balance"] for user in users]
        assert sum(left) == 200 - len(answered)
        await consumer.until(
            {user: 1 + 100 - balance for user, balance in zip(users, left, strict=True)}
        )
    cluster.verify()
