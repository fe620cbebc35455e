"""Readiness names each dependency; only the store's absence takes it away."""

from __future__ import annotations

import asyncio
from typing import Any

from shothik_payment.domain.errors import StoreCorrupt, Unavailable
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
