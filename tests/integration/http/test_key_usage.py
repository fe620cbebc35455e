"""What keys were used for, as their owner sees it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import httpx
import pytest

from shothik_payment.domain.model.api_key import Scope
from shothik_payment.domain.model.time import DAY, HOUR, Millis, rfc3339
from tests.integration.http.support import SCOPES_BUT, World, problems

DEDUCT = {"userId": "u1", "amount": 1}
BEFORE_MIDNIGHT = 1_900_022_400_000 - 1_000


async def made(world: World, **terms: Any) -> tuple[str, httpx.AsyncClient]:
    """A key's id, and a client that has it."""
    key, plain = await world.application.key_administration.generate(
        "paraphrase", actor="test", **terms
    )
    return key.id, world.client(f"ApiKey {plain}")


async def usage_of(world: World, key_id: str, **query: str) -> dict[str, Any]:
    answer = await world.by_admin().get(f"/admin/api-keys/{key_id}/usage", params=query)
    assert answer.status_code == 200, answer.text
    usage: dict[str, Any] = answer.json()["usage"]
    return usage


async def audit_of(world: World, key_id: str) -> list[tuple[str, dict[str, str], str | None]]:
    await world.application.key_uses.flush()
    return [
        (entry.actor, entry.changes, entry.ip)
        for entry in world.state.api_key_audit
        if (entry.key_id, entry.action) == (key_id, "refused")
    ]


class Counted:
    """A client that keeps its own count, by day, endpoint and status."""

    def __init__(self, world: World, client: httpx.AsyncClient) -> None:
        self.world = world
        self.client = client
        self.counts: Counter[tuple[str, str, int]] = Counter()

    async def ask(self, method: str, path: str, route: str, body: Any = None) -> None:
        answer = await self.client.request(method, path, json=body)
        day = rfc3339(self.world.clock.now())[:10]
        told = "GET" if method == "HEAD" else method
        self.counts[day, f"{told} {route}", answer.status_code] += 1

    async def ask_everything(self) -> None:
        await self.ask("POST", "/deduct", "/deduct", DEDUCT)
        await self.ask("POST", "/deduct", "/deduct", {**DEDUCT, "amount": 1_000_000})
        await self.ask("POST", "/deduct", "/deduct", {"userId": "u1"})
        await self.ask("POST", "/deduct?x=1", "/deduct", DEDUCT)
        await self.ask("POST", "/deduct/", "/deduct", DEDUCT)
        for user in ("u1", "u2"):
            await self.ask("GET", f"/balance/{user}", "/balance/{userId}")
        await self.ask("HEAD", "/balance/u1", "/balance/{userId}")
        await self.ask("GET", "/balance/..%2F", "/balance/{userId}")
        await self.ask("POST", "/reverse", "/reverse", {"transactionId": "txn_1"})
        await self.ask("POST", "/holds/h1/capture", "/holds/{id}/capture")
        await self.ask("GET", "/services", "/services")

    def of_day(self, day: str) -> int:
        return sum(n for (on, _, _), n in self.counts.items() if on == day)

    def by(self, place: int) -> dict[str, int]:
        found: Counter[str] = Counter()
        for slot, n in self.counts.items():
            found[str(slot[place])] += n
        return dict(found)


async def test_usage_is_what_a_counting_client_sent_also_over_midnight(world: World) -> None:
    world.clock.at = Millis(BEFORE_MIDNIGHT)
    await world.give("u1", 100)
    key_id, client = await made(world)
    counted = Counted(world, client)
    for step in (0, 999, 1, HOUR, DAY):
        world.clock.at = Millis(world.clock.at + step)
        await counted.ask_everything()
    by_day = await usage_of(world, key_id)
    assert by_day["total"] == sum(counted.counts.values()) == 5 * 12
    assert by_day["byEndpoint"] == counted.by(1)
    assert by_day["byStatus"] == counted.by(2)
    assert len(by_day["points"]) == 30
    sent = [counted.of_day(point["start"][:10]) for point in by_day["points"]]
    assert [point["requests"] for point in by_day["points"]] == sent
    assert sent[-3:] == [24, 24, 12]
    by_hour = await usage_of(world, key_id, granularity="hour")
    assert len(by_hour["points"]) == 48
    assert sum(point["requests"] for point in by_hour["points"]) == by_hour["total"] == 60
    busy = [point["start"] for point in by_hour["points"] if point["requests"]]
    assert [start[11:16] for start in busy] == ["23:00", "00:00", "01:00", "01:00"]


async def test_a_range_is_answered_in_whole_days(world: World) -> None:
    key_id, client = await made(world)
    await client.get("/services")
    today = rfc3339(world.clock.now())[:10]
    usage = await usage_of(world, key_id, **{"from": f"{today}T11:00:00+06:00"})
    assert (usage["from"], usage["granularity"]) == (f"{today}T00:00:00.000Z", "day")
    assert usage["to"] == rfc3339(world.clock.now() + DAY)[:10] + "T00:00:00.000Z"
    (point,) = usage["points"]
    assert point == {"start": usage["from"], "requests": 1, "byStatus": {"200": 1}}
    never = await usage_of(world, key_id, to="2020-01-01T00:00:00Z", granularity="hour")
    assert (never["total"], never["byStatus"], never["byEndpoint"]) == (0, {}, {})
    assert {point["requests"] for point in never["points"]} == {0}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("granularity=week", "granularity"),
        ("from=yesterday", "from"),
        ("from=2030-01-01", "from"),
        ("from=2020-01-01T00:00:00Z&to=2020-01-01T00:00:00Z", "to"),
        ("from=2020-01-01T00:00:00Z&to=2021-12-01T00:00:00Z", "to"),
        ("from=2020-01-01T00:00:00Z&to=2020-03-01T00:00:00Z&granularity=hour", "to"),
        ("from=0001-01-01T00:00:00%2B14:00", "from"),
        ("to=9999-12-31T23:59:59Z", "to"),
        ("to=0001-01-01T00:00:00%2B14:00", "to"),
    ],
)
async def test_questions_that_cannot_be_answered(world: World, query: str, field: str) -> None:
    key_id, _ = await made(world)
    answer = await world.by_admin().get(f"/admin/api-keys/{key_id}/usage?{query}")
    assert problems(answer) == [field]


async def test_usage_of_no_key_and_without_the_base_path(world: World) -> None:
    admin = world.by_admin()
    assert (await admin.get("/admin/api-keys/key_0/usage")).status_code == 404
    key_id, _ = await made(world)
    bare = await admin.get(f"http://test/admin/api-keys/{key_id}/usage")
    assert bare.json()["usage"] == await usage_of(world, key_id)


async def test_refused_uses_are_counted_and_told_in_the_audit_log(world: World) -> None:
    """Of keys that are known; others leave no trace."""
    key_id, client = await made(world, scopes=SCOPES_BUT[Scope.CREDITS_READ])
    for _ in range(2):
        assert (await client.get("/balance/u1")).status_code == 403
    assert (await client.get("/services")).status_code == 200
    await world.application.key_administration.revoke(key_id, actor="test")
    world.clock.forward(2)
    for _ in range(3):
        assert (await client.get("/services")).status_code == 401
    assert (await client.post("/deduct", json=DEDUCT)).status_code == 401
    mistyped = world.client(client.headers["Authorization"][:-1] + "!")
    assert (await mistyped.get("/services")).status_code == 401
    usage = await usage_of(world, key_id)
    assert usage["byStatus"] == {"200": 1, "401": 4, "403": 2}
    assert await audit_of(world, key_id) == [
        (
            "service",
            {"reason": "scope", "count": "2", "endpoint": "GET /balance/{userId}"},
            "127.0.0.1",
        ),
        ("service", {"reason": "revoked", "count": "4"}, "127.0.0.1"),
    ]


async def test_a_key_that_expired_and_one_from_a_wrong_address(world: World) -> None:
    expiring, client = await made(world, expires_at=Millis(world.clock.now() + 500))
    assert (await client.get("/services")).status_code == 200
    elsewhere, far = await made(world, allowed_ips=["10.0.0.0/8"])
    for _ in range(2):
        assert (await far.get("/services")).status_code == 403
    for step in (0.5, 2):  # from the cache, then from the store
        world.clock.forward(step)
        assert (await client.get("/services")).status_code == 401
    assert (await usage_of(world, expiring))["byStatus"] == {"200": 1, "401": 2}
    assert (await usage_of(world, elsewhere))["byStatus"] == {"403": 2}
    (told,) = await audit_of(world, expiring)
    assert told[1]["reason"] == "expired"
    (told,) = await audit_of(world, elsewhere)
    assert (told[1]["reason"], told[1]["count"]) == ("address", "2")


async def test_what_the_limit_refuses_is_counted_and_not_in_the_audit_log(world: World) -> None:
    key_id, client = await made(world, rate_limit=2)
    statuses = [(await client.get("/services")).status_code for _ in range(5)]
    assert statuses == [200, 200, 429, 429, 429]
    assert (await usage_of(world, key_id))["byStatus"] == {"200": 2, "429": 3}
    assert await audit_of(world, key_id) == []
