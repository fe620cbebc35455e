"""Readiness names each dependency; only the store's absence takes it away."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from shothik_payment.domain.errors import StoreCorrupt, StoreUnavailable, Unavailable
from shothik_payment.entrypoints.http.readiness import Readiness
from tests.integration.http.support import World


class Check:
    def __init__(self, name: str, error: Exception | None) -> None:
        self.name = name
        self.error = error

    async def ping(self) -> None:
        if isinstance(self.error, TimeoutError):
            await asyncio.Event().wait()
        elif self.error is not None:
            raise self.error


async def test_health() -> None:
    async def ready(store: Exception | None, broker: Exception | None) -> tuple[int, Any]:
        world = World(health_timeout_seconds=0.01)
        world.application.health[:] = [Check("store", store), Check("broker", broker)]  # type: ignore[index]
        answer = await world.client().get("http://test/health/ready")
        body = answer.json()
        assert body["success"] is (answer.status_code == 200)
        return answer.status_code, body

    away = Unavailable("RabbitMQ is away.")
    status, body = await ready(None, None)
    assert (status, body["status"], body["dependencies"]["store"]["status"]) == (200, "ok", "ok")
    status, body = await ready(None, away)
    assert (status, body["status"]) == (200, "degraded")
    assert body["dependencies"]["broker"] == {
        "status": "unavailable",
        "message": "RabbitMQ is away.",
    }
    status, body = await ready(TimeoutError(), away)
    assert (status, body["status"], body["error"]["code"]) == (503, "unavailable", "unavailable")
    assert body["dependencies"]["store"]["message"] == "no answer within 0.01 s"
    status, body = await ready(StoreCorrupt("/secret/path is broken"), None)
    assert status == 503
    assert "secret" not in str(body)
    live = await World().client().get("http://test/health/live")
    assert live.json() == {"success": True, "status": "ok"}


class Gated:
    """Answers when the gate is open."""

    name = "store"

    def __init__(self) -> None:
        self.count = 0
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()

    async def ping(self) -> None:
        self.count += 1
        self.asked.set()
        await self.gate.wait()


async def test_however_many_ask_the_store_is_asked_once() -> None:
    world = World()
    store, away = Gated(), Check("broker", Unavailable("away"))
    world.application.health[:] = [store, away]  # type: ignore[index]
    client = world.client()
    asking = [asyncio.create_task(client.get("http://test/health/ready")) for _ in range(5)]
    await store.asked.wait()
    asking[0].cancel()  # whoever asked first may go away
    store.gate.set()
    answers = [await task for task in asking[1:]]
    answers.append(await client.get("http://test/health/ready"))
    assert {answer.json()["status"] for answer in answers} == {"degraded"}
    assert store.count == 1


async def test_what_was_found_is_believed_for_a_while_only() -> None:
    store = Check("store", Unavailable("away"))
    remembering, forgetting = Readiness(), Readiness(kept_seconds=0)
    assert await remembering.problem(store, 1) == await forgetting.problem(store, 1) == "away"
    store.error = None
    assert await remembering.problem(store, 1) == "away"
    assert await forgetting.problem(store, 1) is None


async def test_where_a_dependency_is_away_operators_alone_are_told() -> None:
    said = "MongoDB at db1:27017 refuses the user of DATABASE_URL, or its rights."
    world = World()
    world.application.health[:] = [Check("store", StoreUnavailable(said))]  # type: ignore[index]
    client = world.client()
    with capture_logs() as logged:
        answers = [await client.get("http://test/health/ready") for _ in range(20)]
    assert {answer.status_code for answer in answers} == {503}
    assert not any("db1" in answer.text for answer in answers)
    away = [line for line in logged if line["event"] == "dependency is away"]
    assert 1 <= len(away) < 5  # the machine may be slow, and the second over
    assert away[0]["log_level"] == "error"
    assert (away[0]["dependency"], away[0]["error"]) == ("store", said)


async def test_what_anyone_is_told_needs_no_line_of_its_own() -> None:
    with capture_logs() as logged:
        assert await Readiness().problem(Check("cache", Unavailable("away")), 1) == "away"
    assert logged == []


async def test_a_check_that_does_not_end_in_time_leaves_a_line() -> None:
    with capture_logs() as logged:
        told = await Readiness().problem(Check("store", TimeoutError()), 0.01)
    assert told == "no answer within 0.01 s"
    (line,) = logged
    assert (line["event"], line["log_level"]) == ("dependency is away", "error")
    assert (line["dependency"], line["error"]) == ("store", told)


async def test_a_check_that_fails_in_an_unknown_way_is_made_again() -> None:
    readiness, store = Readiness(), Check("store", ValueError("?"))
    with pytest.raises(ValueError, match=r"\?"):
        await readiness.problem(store, 1)
    store.error = None
    assert await readiness.problem(store, 1) is None
