"""Traces go where the standard variables say, below the caller's; log lines name theirs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.e2e.service import Service
from tests.e2e.tills import SandboxTill
from tests.e2e.waiting import eventually
from tests.support.answering import AnsweringServer, answering

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
CALLER = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-Id": "request-of-the-test"}


def received(server: AnsweringServer) -> list[tuple[str, Span]]:
    """Spans so far, with the service's name."""
    found = []
    for path, _, body in list(server.seen):
        assert path == "/v1/traces"
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            named = {a.key: a.value.string_value for a in resource.resource.attributes}
            for scope in resource.scope_spans:
                found += [(named["service.name"], span) for span in scope.spans]
    return found


def facts(span: Span) -> Mapping[str, Any]:
    return {a.key: a.value.string_value or a.value.int_value for a in span.attributes}


def lines(service: Service, request_id: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in service.log.read_text().splitlines()]
    return [line for line in found if line.get("request_id") == request_id]


def traced(folder: Path, server: AnsweringServer, **settings: str) -> Service:
    return Service(
        folder,
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{server.server_port}",
        OTEL_BSP_SCHEDULE_DELAY="100",
        LOG_LEVEL="debug",
        **settings,
    )


async def test_a_request_is_a_span_below_its_callers(tmp_path: Path) -> None:
    with answering(200) as server:
        service = traced(tmp_path, server).start()
        try:
            await service.give("u1", 10)
            key = service.key()
            async with service.by_key(key) as client:
                await client.send("/deduct", {"userId": "u1", "amount": 2}, CALLER)
                await client.send("/deduct", {"userId": "u1", "amount": 50})

            async def complete() -> bool:
                names = {span.name for _, span in received(server)}
                return {"POST /api/v1/deduct", "ledger commit", "relay batch"} <= names

            await eventually(complete)
            service.stop()
        finally:
            service.kill()
    spans = received(server)
    assert {name for name, _ in spans} == {"shothik-payment"}
    deducts = [span for _, span in spans if span.name == "POST /api/v1/deduct"]
    (own,) = [span for span in deducts if span.trace_id.hex() == TRACE]
    (refused,) = [span for span in deducts if span.trace_id.hex() != TRACE]
    assert own.parent_span_id.hex() == PARENT
    assert own.kind == Span.SPAN_KIND_SERVER
    assert facts(own) == {
        "http.request.method": "POST",
        "http.route": "/api/v1/deduct",
        "http.response.status_code": 200,
        "shothik.request_id": "request-of-the-test",
    }
    assert refused.parent_span_id == b""
    assert facts(refused)["error.type"] == "insufficient_credits"
    assert refused.status.code == Status.STATUS_CODE_UNSET  # the caller's fault, and not ours
    commits = [span for _, span in spans if span.name == "ledger commit"]
    assert all(facts(span)["shothik.users"] >= 1 for span in commits)
    assert not [span for _, span in spans if "u1" in str(span.attributes) or key in str(span)]
    (line,) = lines(service, "request-of-the-test")
    assert (line["event"], line["level"], line["trace_id"]) == ("request", "debug", TRACE)
    assert (line["route"], line["status"]) == ("/api/v1/deduct", 200)


async def test_a_gateways_call_is_below_the_request_that_made_it(tmp_path: Path) -> None:
    with answering(200) as server:
        service = traced(tmp_path, server, OTEL_SERVICE_NAME="payments").start()
        try:
            body = {"packId": "credits_100", "gateway": "sandbox", "currency": "USD"}
            async with service.by_user("u1") as user:
                opened = await user.send("/payments/initiate", body, CALLER)
            await SandboxTill().pay(opened.json())

            async def complete() -> bool:
                return "webhook sandbox" in {span.name for _, span in received(server)}

            await eventually(complete)
            service.stop()
        finally:
            service.kill()
    spans = received(server)
    assert {name for name, _ in spans} == {"payments"}
    by_id = {span.span_id: span for _, span in spans}
    (started,) = [span for _, span in spans if span.name == "sandbox start_checkout"]
    assert started.kind == Span.SPAN_KIND_CLIENT
    assert started.trace_id.hex() == TRACE
    assert by_id[started.parent_span_id].name == "POST /api/v1/payments/initiate"
    assert facts(started)["shothik.outcome"] == "done"
    for _, span in spans:
        if span.name == "webhook sandbox":
            assert by_id[span.parent_span_id].name == "POST /api/v1/webhooks/{gateway}"
        if span.name == "sandbox look_up":
            assert by_id[span.parent_span_id].name == "webhook sandbox"


async def test_lines_name_the_callers_trace_without_traces(tmp_path: Path) -> None:
    service = Service(tmp_path, LOG_LEVEL="debug").start()
    try:
        async with httpx.AsyncClient(verify=False) as client:
            await client.get(f"{service.api}/packs", headers=CALLER)
            other = {"traceparent": "no trace", "X-Request-Id": "another"}
            await client.get(f"{service.api}/packs", headers=other)
    finally:
        service.stop()
    (line,) = lines(service, "request-of-the-test")
    assert line["trace_id"] == TRACE
    (line,) = lines(service, "another")
    assert "trace_id" not in line


async def test_a_receiver_that_is_away_holds_up_nothing(tmp_path: Path) -> None:
    with answering(200) as server:
        pass  # its port is closed again
    service = traced(tmp_path, server).start()
    try:
        await service.give("u1", 10)
        assert service.stop(timeout=10) == 0
    finally:
        service.kill()


def test_nothing_of_it_is_imported_while_it_is_off() -> None:
    program = (
        "import sys\n"
        "on = ('opentelemetry.sdk', 'opentelemetry.trace', 'opentelemetry.exporter')\n"
        "from shothik_payment.entrypoints.server import WorkerApp\n"
        "from shothik_payment.entrypoints.settings import load_settings\n"
        "WorkerApp(load_settings(), 0, None)()\n"
        "assert 'prometheus_client' in sys.modules\n"
        "print([name for name in sys.modules if name.startswith(on)])\n"
    )
    environment = {
        "DATABASE_URL": "memory://",
        "JWT_SECRET": "a-secret-for-tests-that-is-long-enough-for-hs256",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318",
        "OTEL_SDK_DISABLED": "true",
    }
    ran = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )
    assert ran.stdout == "[]\n", ran.stderr
