"""/metrics of running processes: the numbers are those of what was asked, for all processes
together, and nothing that a stranger sends makes a label."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

import httpx
import psutil

from tests.e2e.service import Service, Worker, free_port
from tests.e2e.tills import SandboxTill
from tests.e2e.waiting import eventually
from tests.support.figures import scrape

_HTTP = "shothik_http_requests_total"
_SECONDS = "shothik_http_request_duration_seconds_count"


async def test_the_numbers_are_those_of_what_was_asked(service: Service) -> None:
    await service.give("u1", 10)
    async with service.by_key(service.key()) as client:
        for number in range(3):
            await client.post("/deduct", {"userId": "u1", "amount": 2, "requestId": f"r{number}"})
        await client.post("/deduct", {"userId": "u1", "amount": 2, "requestId": "r0"})
        await client.post("/deduct", {"userId": "u1", "amount": 50}, status=402)
        await client.post("/deduct", {"userId": "u1"}, status=400)
        held = await client.post("/holds", {"userId": "u1", "amount": 4})
        await client.post(f"/holds/{held['hold']['id']}/capture", {"amount": 3})
        await client.get("/balance/u1")
    seen = scrape(service.url)
    deduct = {"route": "/api/v1/deduct", "method": "POST"}
    assert seen.sum(_HTTP, status="200", **deduct) == 4
    assert seen.sum(_HTTP, status="402", **deduct) == 1
    assert seen.sum(_HTTP, status="400", **deduct) == 1
    assert seen.sum(_SECONDS, **deduct) == 6
    assert seen.sum(_HTTP, route="/api/v1/balance/{userId}", method="GET", status="200") == 1
    assert seen.sum("shothik_deducts_total", service="paraphrase_service") == 4
    assert seen.sum("shothik_deducted_credits_total", service="paraphrase_service") == 9
    assert seen.sum("shothik_refusals_total", code="insufficient_credits") == 1
    assert seen.sum("shothik_refusals_total", code="invalid_request") == 1
    assert seen.sum("shothik_refusals_total", code="internal_error") == 0
    # One grant, three deducts, a hold, a capture and the release of its rest.
    assert seen.sum("shothik_ledger_rows_total") == 7
    commits = seen.sum("shothik_ledger_commit_duration_seconds_count", outcome="done")
    assert 1 <= commits == seen.sum("shothik_ledger_commit_users_count")
    assert seen.sum("shothik_writer_unanswered_commands") == 0
    assert seen.sum("shothik_api_key_lookups_total") >= 1
    assert seen.sum("process_resident_memory_bytes") > 0


async def test_payments_and_events_are_told(service: Service) -> None:
    body = {"packId": "credits_100", "gateway": "sandbox", "currency": "USD"}
    async with service.by_user("u1") as user:
        opened = await user.post("/payments/initiate", body)
    await SandboxTill().pay(opened)
    forged = await asyncio.to_thread(
        httpx.post, f"{service.api}/webhooks/sandbox", content=b"{}", verify=False
    )
    assert forged.status_code == 401

    async def told() -> bool:
        return scrape(service.url).sum("shothik_outbox_events", state="waiting") == 0

    await eventually(told)
    seen = scrape(service.url)
    calls = "shothik_gateway_call_duration_seconds_count"
    of_sandbox = {"gateway": "sandbox"}
    assert seen.sum(calls, operation="start_checkout", outcome="done", **of_sandbox) == 1
    assert seen.sum(calls, operation="read_notification", outcome="refused", **of_sandbox) == 1
    received = "shothik_webhooks_received_total"
    assert seen.sum(received, result="stored", **of_sandbox) >= 1
    assert seen.sum(received, result="refused", **of_sandbox) == 1
    handled = "shothik_webhook_duration_seconds_count"
    assert seen.sum(handled, outcome="settled", **of_sandbox) >= 1
    assert seen.sum("shothik_relay_events_total", result="refused") == 0
    assert seen.sum("shothik_relay_events_total") >= 2  # payment.completed, credit.added
    assert seen.sum("shothik_outbox_oldest_event_age_seconds") == 0


async def test_a_storm_of_made_up_paths_makes_one_label(service: Service) -> None:
    async with httpx.AsyncClient(base_url=service.url, verify=False) as client:
        for number in range(200):
            await client.request(f"X{number}" if number % 2 else "GET", f"/no/{number}?u=u{number}")
        await client.get("/api/v1/balance/made-up-user")
    seen = scrape(service.url)
    routes = seen.values(_HTTP, "route")
    assert seen.values(_HTTP, "method", route="unmatched") == {"GET", "other"}
    assert seen.sum(_HTTP, route="unmatched") == 200
    assert len(routes) < 10
    assert not [s for s in seen.samples if "made-up-user" in str(s.labels)]


async def test_two_workers_add_up_and_what_was_counted_stays(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    service = Service(tmp_path, WORKERS="2", TMPDIR=str(scratch)).start()
    packs = {"route": "/api/v1/packs", "method": "GET", "status": "200"}

    def ask(times: int) -> None:
        for _ in range(times):  # a connection each, so that both get some
            httpx.get(f"{service.api}/packs", verify=False).raise_for_status()

    try:
        await asyncio.to_thread(ask, 40)
        assert {scrape(service.url).sum(_HTTP, **packs) for _ in range(10)} == {40}
        first = scrape(service.url)
        workers = psutil.Process(service.process.pid).children() if service.process else []
        processes = first.values("process_cpu_seconds_total", "pid")
        assert processes >= {str(worker.pid) for worker in workers}
        assert len(workers) == 2
        assert first.sum("shothik_writer_unanswered_commands") == 0
        workers[0].kill()

        async def replaced() -> bool:
            try:
                shown = await asyncio.to_thread(scrape, service.url)
            except httpx.TransportError:
                return False  # it came to the one that was killed
            now = shown.values("process_cpu_seconds_total", "pid")
            return str(workers[0].pid) not in now and len(now) == len(processes)

        await eventually(replaced)
        await asyncio.to_thread(ask, 2)
        assert scrape(service.url).sum(_HTTP, **packs) == 42
    finally:
        assert len(list(scratch.iterdir())) == 1
        service.stop()
    assert list(scratch.iterdir()) == []


def test_a_token_keeps_strangers_out(tmp_path: Path) -> None:
    service = Service(tmp_path, METRICS_TOKEN="a-token-for-prometheus").start()
    try:
        for shown in ({}, {"Authorization": "Bearer a-token-for-prometheu"}):
            answer = httpx.get(f"{service.url}/metrics", headers=shown, verify=False)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer")
        seen = scrape(service.url, [("Authorization", "Bearer a-token-for-prometheus")])
        assert seen.sum("shothik_refusals_total", code="unauthenticated") == 2
    finally:
        service.kill()


def test_without_figures_there_is_no_page(tmp_path: Path) -> None:
    service = Service(tmp_path, METRICS="off", WORKERS="2").start()
    try:
        assert httpx.get(f"{service.url}/metrics", verify=False).status_code == 404
    finally:
        service.kill()


async def test_a_worker_tells_on_a_port_of_its_own(service: Service, tmp_path: Path) -> None:
    port = free_port()
    nobody = f"amqp://guest:guest@127.0.0.1:{free_port()}"
    environment = {**service.environment, "METRICS_PORT": str(port), "RABBITMQ_URL": nobody}
    worker = Worker(tmp_path, "figures", environment).start()
    try:
        await service.give("u1", 10)

        async def seen() -> bool:
            shown = await asyncio.to_thread(scrape, f"http://127.0.0.1:{port}")
            return shown.sum("shothik_background_failures_total", work="relay") >= 1

        await eventually(seen)
        shown = scrape(f"http://127.0.0.1:{port}")
        assert math.isnan(shown.sum(_HTTP))
        second = await asyncio.to_thread(
            service.run, "worker", METRICS_PORT=str(port), RABBITMQ_URL=nobody
        )
        assert second.returncode == 2
        assert f"METRICS_PORT: cannot listen on {port}" in second.stderr
    finally:
        worker.kill()
