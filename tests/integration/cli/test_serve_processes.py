"""How the server's processes end, whoever ends them."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.e2e.service import Service
from tests.e2e.tills import StripeTill
from tests.e2e.waiting import eventually, select_pause
from tests.simulators.stripe.simulator import CREATE_SESSION, Fault

GATEWAY_SECONDS = 2.5
"""Long enough for a worker to look for its supervisor four times."""


def ended_within(seconds: float, process: psutil.Process) -> bool:
    gone, _ = psutil.wait_procs([process], timeout=seconds)
    return bool(gone) or process.status() == psutil.STATUS_ZOMBIE


def worker_of(service: Service) -> psutil.Process:
    assert service.process is not None
    (worker,) = psutil.Process(service.process.pid).children()
    return worker


def test_a_worker_without_its_supervisor_stops(tmp_path: Path) -> None:
    service = Service(tmp_path).start()
    worker = worker_of(service)
    assert service.process is not None
    os.kill(service.process.pid, signal.SIGKILL)
    service.process.wait()
    assert ended_within(5, worker)
    service.start()
    assert service.stop() == 0


@pytest.fixture
def stripe(tmp_path: Path) -> Iterator[StripeTill]:
    folder = tmp_path / "stripe"
    folder.mkdir()
    till = StripeTill(folder)
    till.simulator.start()
    yield till
    till.simulator.stop()


async def test_a_worker_without_its_supervisor_answers_what_is_under_way(
    tmp_path: Path, stripe: StripeTill
) -> None:
    service = Service(tmp_path, **stripe.settings()).start()
    worker = worker_of(service)
    await stripe.simulator.fault(CREATE_SESSION, Fault.SLOW, seconds=GATEWAY_SECONDS)

    async def is_asked() -> bool:
        return await stripe.simulator.calls(CREATE_SESSION) == 1

    try:
        async with service.by_user("u1") as user:
            body = {"packId": "credits_100", "gateway": "stripe", "currency": "USD"}
            buying = asyncio.ensure_future(user.post("/payments/initiate", body))
            await eventually(is_asked)
            assert service.process is not None
            os.kill(service.process.pid, signal.SIGKILL)
            opened = await asyncio.wait_for(buying, 2 * GATEWAY_SECONDS)
        assert opened["sessionId"]
        assert await asyncio.to_thread(ended_within, 5, worker)
    finally:
        service.kill()
    assert service.log.read_text().count("the supervisor is gone") == 1


def test_a_killed_worker_is_replaced(tmp_path: Path) -> None:
    service = Service(tmp_path).start()
    asyncio.run(service.give("u1", 5))
    first = worker_of(service)
    first.kill()
    assert ended_within(5, first)
    for _ in range(200):
        assert service.process is not None
        now = psutil.Process(service.process.pid).children()
        if now and now[0].pid != first.pid:
            break
        select_pause()
    service.stop()
    service.verify()


async def test_requests_under_way_are_answered_before_it_stops(tmp_path: Path) -> None:
    service = Service(tmp_path).start()
    key = service.key()
    await service.give("u1", 60)
    body = b'{"userId": "u1", "amount": 1}'
    head = (
        "POST /api/v1/deduct HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Authorization: ApiKey {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    connections = [await asyncio.open_connection("127.0.0.1", service.port) for _ in range(100)]
    # One answer each first, so that every connection has been accepted.
    for reader, writer in connections:
        writer.write(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await reader.read(4096)).startswith(b"HTTP/1.1 200")
    for _, writer in connections:
        writer.write(head.encode() + body)
    assert service.process is not None
    first, _ = connections[0]
    began = [await asyncio.wait_for(first.read(4096), 10)]
    service.process.send_signal(signal.SIGTERM)
    rest = await asyncio.gather(
        *(asyncio.wait_for(reader.read(4096), 10) for reader, _ in connections[1:])
    )
    statuses = sorted(int(answer.split(b" ")[1]) for answer in began + rest)
    assert statuses == [200] * 60 + [402] * 40
    assert await asyncio.to_thread(service.stop) == 0
    for _, writer in connections:
        writer.close()
