"""The test clock over HTTP, with the container's wiring: what moves with it, and what does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from shothik_payment.adapters.sandbox.signature import HEADER
from shothik_payment.domain.model.time import SECOND
from shothik_payment.domain.ports.event_log import START
from shothik_payment.entrypoints.chores import shared_work
from shothik_payment.entrypoints.container import Container, make_container
from shothik_payment.entrypoints.http.app import create_app
from shothik_payment.entrypoints.http.routes.admin_clock import MAX_ADVANCE_SECONDS
from shothik_payment.entrypoints.running import running
from shothik_payment.entrypoints.settings import Settings
from tests.integration.http.support import SECRET

DAY_SECONDS = 86_400
PATH = "/admin/test-clock"


@dataclass
class Served:
    container: Container
    admin: httpx.AsyncClient

    async def advance(self, seconds: int, **body: Any) -> dict[str, Any]:
        answer = await self.admin.post(PATH, json={"advanceSeconds": seconds, **body})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def client(self, authorization: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=self.admin._transport,
            base_url="http://test/api/v1",
            headers={"Authorization": authorization},
        )

    def token(self, user: str, seconds: int = 3600, role: str | None = None) -> str:
        token: str = self.container.token_issuer().issue(user, role, seconds)
        return token


@asynccontextmanager
async def serving(url: str = "memory://", **settings: Any) -> AsyncIterator[Served]:
    chosen = {"database_url": url, "jwt_secret": SECRET, "test_clock": "on", **settings}
    container = make_container(Settings(**chosen))
    async with running(container) as application:
        transport = httpx.ASGITransport(create_app(application, container.http_settings()))  # type: ignore[arg-type]
        token = container.token_issuer().issue("boss", "admin", 3600)
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://test/api/v1", headers=headers
        ) as admin:
            yield Served(container, admin)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serving() as started:
        yield started


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_it_answers_where_the_clock_is(served: Served) -> None:
    before = datetime.now(UTC)
    told = await served.advance(41 * DAY_SECONDS)
    assert told.keys() == {"success", "now", "remainingSeconds"}
    assert told["remainingSeconds"] == 0
    ahead = moment(told["now"]) - before
    assert timedelta(days=41, milliseconds=-1) <= ahead < timedelta(days=41, seconds=30)
    further = moment((await served.advance(1))["now"]) - moment(told["now"])
    assert timedelta(seconds=1) <= further < timedelta(seconds=30)


async def test_what_ends_meanwhile_is_booked_when_it_answers(served: Served) -> None:
    ends = (datetime.now(UTC) + timedelta(days=40)).isoformat()
    body = {"userId": "u1", "amount": 10, "reason": "test", "expiresAt": ends}
    assert (await served.admin.post("/admin/credits", json=body)).status_code == 200
    await served.advance(41 * DAY_SECONDS)
    log = served.container.store().events
    told = [event for event in await log.read(START, 99, "u1") if event.type == "credit.deducted"]
    assert len(told) == 1
    late = told[0].at - moment(ends).timestamp() * SECOND
    assert -1 < late < 30 * SECOND  # the wire has whole milliseconds
    assert (await served.container.application().wallet_views.wallet("u1")).available == 0


async def test_a_repeat_does_not_move_it_again(served: Served) -> None:
    first = await served.admin.post(PATH, json={"advanceSeconds": 100, "requestId": "r1"})
    again = await served.admin.post(PATH, json={"advanceSeconds": 100, "requestId": "r1"})
    assert again.content == first.content
    assert again.headers["Idempotency-Replayed"] == "true"
    other = await served.admin.post(PATH, json={"advanceSeconds": 101, "requestId": "r1"})
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_key_reused")


async def test_a_repeat_after_a_restart_tells_the_same(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    async with serving(url) as served:
        first = await served.advance(DAY_SECONDS, requestId="r1")
        moved = served.container.clock().now()
    async with serving(url) as served:
        assert 0 <= served.container.clock().now() - moved < 60 * SECOND
        assert await served.advance(DAY_SECONDS, requestId="r1") == first
        assert served.container.clock().now() - moved < 60 * SECOND


@pytest.mark.parametrize("seconds", [0, -1, 1.5, "60", None, MAX_ADVANCE_SECONDS + 1])
async def test_a_wrong_span_is_refused(served: Served, seconds: Any) -> None:
    answer = await served.admin.post(PATH, json={"advanceSeconds": seconds})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")
    (field,) = answer.json()["error"]["details"]["fields"]
    assert field["path"] == "advanceSeconds"


async def test_users_may_not_move_it(served: Served) -> None:
    async with served.client(f"Bearer {served.token('u1')}") as user:
        assert (await user.post(PATH, json={"advanceSeconds": 1})).status_code == 403
    assert served.container.clock().now() - served.container.wall_clock().now() < SECOND


async def test_without_it_there_is_no_such_route() -> None:
    async with serving(test_clock="off") as served:
        answer = await served.admin.post(PATH, json={"advanceSeconds": 1})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
        assert served.container.clock() is served.container.wall_clock()


async def test_tokens_and_keys_and_limits_stay_in_the_real_time(served: Served) -> None:
    keys = served.container.application().key_administration
    ends = served.container.wall_clock().now() + 3600 * SECOND
    _, key = await keys.generate("paraphrase", actor="test", expires_at=ends, rate_limit=2)
    token = served.token("u1")
    async with served.client(f"ApiKey {key}") as service, served.client(f"Bearer {token}") as user:
        assert (await service.get("/balance/u1")).status_code == 200
        await served.advance(366 * DAY_SECONDS)
        assert (await service.get("/balance/u1")).status_code == 200
        assert (await user.get("/wallet")).status_code == 200
        assert (await service.get("/balance/u1")).status_code == 429
    fresh = served.token("u1")
    async with served.client(f"Bearer {fresh}") as user:
        assert (await user.get("/wallet")).status_code == 200


async def test_the_sandbox_signs_and_is_believed_after_it(served: Served) -> None:
    await served.advance(DAY_SECONDS)
    body = b'{"eventId": "e1", "paymentId": "p1", "sessionId": "s1", "state": "paid"}'
    signature = served.container.sandbox_signer().sign(body, served.container.wall_clock().now())
    answer = await served.admin.post("/webhooks/sandbox", content=body, headers={HEADER: signature})
    assert answer.status_code == 200


async def test_a_repeat_of_a_deduction_is_known_after_it(served: Served) -> None:
    keys = served.container.application().key_administration
    _, key = await keys.generate("paraphrase", actor="test")
    gift = {"userId": "u1", "amount": 10, "reason": "test"}
    await served.admin.post("/admin/credits", json=gift)
    async with served.client(f"ApiKey {key}") as service:
        body = {"userId": "u1", "amount": 3, "requestId": "r1"}
        first = await service.post("/deduct", json=body)
        await served.advance(366 * DAY_SECONDS)
        again = await service.post("/deduct", json=body)
        assert (again.status_code, again.content) == (200, first.content)
        assert (await service.get("/balance/u1")).json()["balance"] == 7


async def test_events_of_a_year_are_not_pruned(served: Served) -> None:
    gift = {"userId": "u1", "amount": 10, "reason": "test"}
    await served.admin.post("/admin/credits", json=gift)
    await served.advance(366 * DAY_SECONDS)
    worker = served.container.worker()
    await worker.relay.run(range(16))
    await worker.prune.run()
    events = (await served.admin.get("/admin/events?userId=u1")).json()["events"]
    assert [event["type"] for event in events] == ["credit.added"]


@pytest.mark.parametrize("name", ["expiry", "payment check of sandbox", "webhooks"])
async def test_the_background_waits_for_a_run_under_way(served: Served, name: str) -> None:
    worker = served.container.worker()
    await worker.group.beat()
    (chore,) = [chore for chore in shared_work(worker) if chore.name == name]
    run = served.container.clock_run()
    async with run.turn:
        step = asyncio.create_task(chore.step())
        done, _ = await asyncio.wait({step}, timeout=0.05)
        assert not done
    assert await step is False
