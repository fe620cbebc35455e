"""Killed under load: what was answered is in the ledger, nothing is there twice."""

from __future__ import annotations

import asyncio
import random

import httpx
import pytest

from tests.e2e.cluster import Cluster
from tests.e2e.service import Client, Service
from tests.e2e.waiting import eventually

USERS = [f"crash_{n}" for n in range(8)]
GIVEN = 1_000_000
CLIENTS = 32


class Load:
    """Clients that deduct until the service is gone, and remember what they were answered."""

    def __init__(self, round_number: int) -> None:
        self.round = round_number
        self.sent: dict[str, str] = {}
        self.answered: dict[str, bytes] = {}
        self.enough = asyncio.Event()

    async def run(self, client: Client, number: int, kill_after: int) -> None:
        count = 0
        while True:
            request_key = f"{self.round}-{number}-{count}"
            user_id = USERS[(number + count) % len(USERS)]
            count += 1
            self.sent[request_key] = user_id
            try:
                answer = await client.send("/deduct", deduction(user_id, request_key))
            except httpx.TransportError:
                return
            assert answer.status_code == 200, answer.text
            self.answered[request_key] = answer.content
            if len(self.answered) >= kill_after:
                self.enough.set()


def deduction(user_id: str, request_key: str) -> dict[str, object]:
    return {"userId": user_id, "amount": 1, "requestId": request_key}


async def done_at_last(client: Client, body: dict[str, object]) -> httpx.Response:
    """MongoDB keeps a wallet locked for a minute where a process was killed in a commit."""
    answers: list[httpx.Response] = []

    async def is_done() -> bool:
        answers.append(await client.send("/deduct", body))
        assert answers[-1].status_code in (200, 503), answers[-1].text
        return answers[-1].status_code == 200

    await eventually(is_done, seconds=90)
    return answers[-1]


async def crash_rounds(
    service: Service | Cluster, rounds: int, seed: int, clients: int = CLIENTS, most: int = 600
) -> None:
    chance = random.Random(seed)
    key = service.key()
    for user_id in USERS:
        await service.give(user_id, GIVEN)
    done = 0
    for round_number in range(rounds):
        load = Load(round_number)
        kill_after = chance.randint(most // 12, most)
        async with service.by_key(key, clients) as client:
            running = [asyncio.create_task(load.run(client, n, kill_after)) for n in range(clients)]
            await asyncio.wait_for(load.enough.wait(), 60)
            service.kill()
            await asyncio.gather(*running)
        service.start()
        async with service.by_key(key) as client:
            for request_key, user_id in load.sent.items():
                again = await done_at_last(client, deduction(user_id, request_key))
                if request_key in load.answered:
                    assert again.content == load.answered[request_key], f"seed {seed}"
                    assert again.headers["idempotency-replayed"] == "true", f"seed {seed}"
            done += len(load.sent)
            balances = [(await client.get(f"/balance/{u}"))["balance"] for u in USERS]
            assert GIVEN * len(USERS) - sum(balances) == done, f"seed {seed}"
        service.verify()


async def test_killed_twice(service: Service) -> None:
    await crash_rounds(service, 2, seed=random.randrange(10**6))


async def test_killed_on_three_servers(cluster: Cluster) -> None:
    await crash_rounds(cluster, 1, seed=random.randrange(10**6), clients=8, most=60)


@pytest.mark.drill
@pytest.mark.timeout(3600)
async def test_killed_ten_times_on_three_servers(cluster: Cluster) -> None:
    await crash_rounds(cluster, 10, seed=random.randrange(10**6), clients=8, most=60)


@pytest.mark.drill
@pytest.mark.timeout(3600)
async def test_killed_fifty_times(service: Service) -> None:
    await crash_rounds(service, 50, seed=random.randrange(10**6))


async def test_asked_to_stop_it_answers_what_it_has_begun(service: Service) -> None:
    key = service.key()
    await service.give("stopping", GIVEN)
    load = Load(0)

    async def run(client: Client, number: int) -> None:
        count = 0
        while True:
            request_key = f"{number}-{count}"
            count += 1
            try:
                answer = await client.send("/deduct", deduction("stopping", request_key))
            except httpx.TransportError:
                return
            if answer.status_code == 503:
                return
            assert answer.status_code == 200
            load.answered[request_key] = answer.content
            if len(load.answered) >= 200:
                load.enough.set()

    async with service.by_key(key, CLIENTS) as client:
        running = [asyncio.create_task(run(client, n)) for n in range(CLIENTS)]
        await asyncio.wait_for(load.enough.wait(), 60)
        assert await asyncio.to_thread(service.stop) == 0
        await asyncio.gather(*running)
    service.start()
    async with service.by_key(key) as client:
        balance = (await client.get("/balance/stopping"))["balance"]
        assert balance <= GIVEN - len(load.answered)
        for request_key, content in load.answered.items():
            again = await client.send("/deduct", deduction("stopping", request_key))
            assert again.content == content
    service.verify()
