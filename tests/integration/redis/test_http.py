"""The service over HTTP, with Redis beside its store."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.integration.redis.support import Served, serving
from tests.support.redis import connected
from tests.support.servers.redis import RedisServer


async def repeat(service: Served, first: bytes) -> None:
    again = await service.deduct("u1", "k")
    assert again.status_code == 200
    assert again.content == first
    assert again.headers["idempotency-replayed"] == "true"
    assert await service.balance("u1") == 9


async def test_a_flushed_redis_makes_no_second_effect(
    own_redis: RedisServer, tmp_path: Path
) -> None:
    async with connected(own_redis) as other, serving(tmp_path, own_redis) as service:
        await service.give("u1", 10)
        first = await service.deduct("u1", "k")
        assert "idempotency-replayed" not in first.headers
        await repeat(service, first.content)
        await other.client.flushall()
        await repeat(service, first.content)
        await repeat(service, first.content)
        await other.client.script_flush()
        await other.client.flushall()
        reused = await service.client.post(
            "/deduct", json={"userId": "u1", "amount": 2}, headers={"Idempotency-Key": "k"}
        )
        assert reused.json()["error"]["code"] == "idempotency_key_reused"
        assert await service.balance("u1") == 9


async def test_repeats_while_redis_goes_and_comes(own_redis: RedisServer, tmp_path: Path) -> None:
    async with serving(tmp_path, own_redis) as service:
        await service.give("u1", 10)
        first = await service.deduct("u1", "k")
        own_redis.kill()
        await repeat(service, first.content)
        ready = await service.client.get("http://test/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        assert ready.json()["dependencies"]["cache"]["status"] == "unavailable"
        assert ready.json()["dependencies"]["store"]["status"] == "ok"
        own_redis.up()
        await repeat(service, first.content)
        async with asyncio.timeout(20):
            while True:
                ready = await service.client.get("http://test/health/ready")
                if ready.json()["status"] == "ok":
                    break
                await asyncio.sleep(0.05)
        await repeat(service, first.content)


async def test_processes_share_answers_and_limits(own_redis: RedisServer, tmp_path: Path) -> None:
    async with (
        serving(tmp_path, own_redis, rate_limit_per_hour=5) as one,
        serving(tmp_path, own_redis, rate_limit_per_hour=5) as two,
        connected(own_redis) as observer,
    ):
        await one.give("u1", 10)
        first = await one.deduct("u1", "k")
        async with asyncio.timeout(10):
            while True:  # the answer is on its way
                if await observer.client.keys("idempotency:*"):
                    break
                await asyncio.sleep(0.01)
        await repeat(two, first.content)
        statuses = [(await service.deduct("u1")).status_code for service in (one, two) * 3]
        assert statuses == [200, 200, 200, 429, 429, 429]
        refused = await two.deduct("u1", "k")
        assert refused.status_code == 429
        assert refused.headers["ratelimit-limit"] == "5"
        assert await one.balance("u1") == 6


@pytest.mark.parametrize("setting", ["open", "closed"])
async def test_the_rate_limit_while_redis_is_away(
    own_redis: RedisServer, tmp_path: Path, setting: str
) -> None:
    """Closed: what counts is refused with nothing done; what never counts goes on."""
    async with serving(
        tmp_path, own_redis, rate_limit_on_redis_loss=setting, rate_limit_per_hour=2
    ) as service:
        await service.give("u1", 10)
        done = (await service.deduct("u1", "k")).json()["transactionId"]
        own_redis.kill()
        answers = [await service.deduct("u1") for _ in range(4)]
        if setting == "open":
            assert {answer.status_code for answer in answers} == {200}
            assert await service.balance("u1") == 5
        else:
            assert {answer.status_code for answer in answers} == {503}
            assert {answer.json()["error"]["code"] for answer in answers} == {"unavailable"}
            assert {answer.headers["retry-after"] for answer in answers} == {"1"}
            assert await service.balance("u1") == 9
        back = await service.client.post("/reverse", json={"transactionId": done})
        assert back.status_code == 200


async def test_a_revoked_key_is_refused_everywhere_without_redis(
    own_redis: RedisServer, tmp_path: Path
) -> None:
    async with serving(tmp_path, own_redis) as one, serving(tmp_path, own_redis) as two:
        with_its_key = {"Authorization": one.client.headers["Authorization"]}
        assert (await two.client.get("/balance/u1", headers=with_its_key)).status_code == 200
        own_redis.kill()
        await one.application.key_administration.revoke(one.key_id, actor="test")
        async with asyncio.timeout(2):
            while True:
                answer = await two.client.get("/balance/u1", headers=with_its_key)
                if answer.status_code == 401:
                    break
                await asyncio.sleep(0.05)
        assert (await two.client.get("/balance/u1")).status_code == 200


async def test_a_service_starts_and_charges_without_redis(
    own_redis: RedisServer, tmp_path: Path
) -> None:
    own_redis.kill()
    async with serving(tmp_path, own_redis) as service:
        await service.give("u1", 10)
        first = await service.deduct("u1", "k")
        assert first.status_code == 200
        await repeat(service, first.content)


async def test_a_rotation_does_not_double_a_quota(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    """Two processes, each with one key of the line, and a third that rotates half-way."""
    async with (
        serving(tmp_path, redis_server) as one,
        serving(tmp_path, redis_server) as two,
        serving(tmp_path, redis_server) as three,
    ):
        keys = three.application.key_administration
        made, plain = await keys.generate("paraphrase", actor="test", rate_limit=30)

        async def ask(served: Served, key: str | None, times: int) -> list[int]:
            headers = {"Authorization": f"ApiKey {key}"}
            asked = (served.client.get("/balance/u1", headers=headers) for _ in range(times))
            return [answer.status_code for answer in await asyncio.gather(*asked)]

        before = await asyncio.gather(ask(one, plain, 10), ask(two, plain, 10))
        rotation = await keys.rotate(made.id, actor="test")
        after = await asyncio.gather(ask(one, plain, 20), ask(two, rotation.plain, 20))
        codes = [code for part in (*before, *after) for code in part]
        assert (codes.count(200), codes.count(429)) == (30, 30)
        for key in (rotation.key, rotation.old):
            health = await one.application.key_health.check(key)
            assert health.rate_limit_remaining == 0
        again = await keys.rotate(rotation.key.id, actor="test")
        assert await ask(two, again.plain, 1) == [429]
