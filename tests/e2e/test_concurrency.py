"""Many at once: never more than there is, never twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from tests.e2e.cluster import Cluster
from tests.e2e.service import Client, Service, free_port


async def rush(clients: list[Client], user_id: str, requests: int) -> list[httpx.Response]:
    """`requests` deductions of one credit at once, spread over the clients."""
    return await asyncio.gather(
        *(
            clients[n % len(clients)].send("/deduct", {"userId": user_id, "amount": 1})
            for n in range(requests)
        )
    )


def expect_exactly(answers: list[httpx.Response], credits: int) -> None:
    done = [a for a in answers if a.status_code == 200]
    refused = [a for a in answers if a.status_code == 402]
    assert len(done) == credits
    assert len(done) + len(refused) == len(answers), {a.status_code for a in answers}
    assert sorted(a.json()["newBalance"] for a in done) == list(range(credits))
    for answer in refused:
        details = answer.json()["error"]["details"]
        assert (details["available"], details["held"], details["required"]) == (0, 0, 1)


async def test_500_deductions_of_credits_for_100(service: Service) -> None:
    key = service.key()
    await service.give("rush", 100)
    async with service.by_key(key, connections=500) as client:
        answers = await rush([client], "rush", 500)
        assert (await client.get("/balance/rush"))["balance"] == 0
    expect_exactly(answers, 100)
    service.verify()


async def test_50_deductions_of_credits_for_10_on_three_servers(cluster: Cluster) -> None:
    key = cluster.key()
    await cluster.give("rush", 10)
    async with cluster.by_key(key, connections=50) as client:
        answers = await rush([client], "rush", 50)
        assert (await client.get("/balance/rush"))["balance"] == 0
    expect_exactly(answers, 10)
    cluster.verify()


async def test_the_same_from_four_processes_on_one_file(tmp_path: Path) -> None:
    services = [Service(tmp_path, free_port()) for _ in range(4)]
    try:
        for service in services:
            service.start()
        key = services[0].key()
        await services[0].give("rush", 100)
        async with (
            services[0].by_key(key, 125) as a,
            services[1].by_key(key, 125) as b,
            services[2].by_key(key, 125) as c,
            services[3].by_key(key, 125) as d,
        ):
            answers = await rush([a, b, c, d], "rush", 500)
        expect_exactly(answers, 100)
        services[0].verify()
    finally:
        for service in services:
            service.kill()


async def test_200_requests_with_one_request_key(deployment: Service | Cluster) -> None:
    key, other = deployment.key("paraphrase"), deployment.key("slide")
    await deployment.give("twice", 100)
    body = {"userId": "twice", "amount": 3, "requestId": "req-1"}
    async with deployment.by_key(key, connections=200) as client:
        answers = await asyncio.gather(*(client.send("/deduct", body) for _ in range(200)))
        bodies = {a.content for a in answers if a.status_code == 200}
        assert {a.status_code for a in answers} <= {200, 409}
        assert len(bodies) == 1
        assert sum("idempotency-replayed" not in a.headers for a in answers) == 1
        reused = await client.post("/deduct", {**body, "amount": 4}, status=422)
        assert reused["error"]["code"] == "idempotency_key_reused"
        assert (await client.get("/balance/twice"))["balance"] == 97

    deployment.kill()
    deployment.start()
    async with deployment.by_key(key) as client:
        again = await client.send("/deduct", body)
        assert again.content == bodies.pop()
        assert again.headers["idempotency-replayed"] == "true"
    async with deployment.by_key(other) as client:
        own = await client.post("/deduct", body)
        assert own["newBalance"] == 94
    async with deployment.by_user("twice") as user:
        rows = (await user.get("/wallet/transactions"))["transactions"]
        assert [row["kind"] for row in rows] == ["deduct", "deduct", "adjust"]
    deployment.verify()
