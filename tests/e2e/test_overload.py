"""More than the service can do at once: refused in words, and over when it is over."""

from __future__ import annotations

import asyncio
import json
import resource
from pathlib import Path

import psutil

from tests.e2e.service import Service

CONNECTIONS = 2000
ROUNDS = 5


def allow_files(count: int) -> None:
    """A connection is a file here, and one there: the started service inherits the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))


async def one_connection(port: int, key: str, number: int) -> list[tuple[int, bool]]:
    """Deduct `ROUNDS` times over one connection; status and whether Retry-After came with it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    for turn in range(ROUNDS):
        body = json.dumps(
            {"userId": f"over_{number % 50}", "amount": 1, "requestId": f"{number}-{turn}"}
        ).encode()
        writer.write(
            b"POST /api/v1/deduct HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
            + f"Authorization: ApiKey {key}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        await reader.readexactly(length)
        answers.append((int(head.split(" ")[1]), "\r\nretry-after:" in head))
    writer.close()
    return answers


async def test_2000_connections_at_once(tmp_path: Path) -> None:
    allow_files(3 * CONNECTIONS)
    service = Service(tmp_path).start()
    try:
        key = service.key()
        for number in range(50):
            await service.give(f"over_{number}", 1_000_000)
        jobs = (one_connection(service.port, key, n) for n in range(CONNECTIONS))
        answers = [a for answers in await asyncio.gather(*jobs) for a in answers]
        assert len(answers) == CONNECTIONS * ROUNDS
        done = sum(status == 200 for status, _ in answers)
        assert {status for status, _ in answers} <= {200, 503}
        assert all(retry_after for status, retry_after in answers if status == 503)
        assert done > 0

        assert service.process is not None
        leader = psutil.Process(service.process.pid)
        for process in [leader, *leader.children(recursive=True)]:
            assert process.memory_info().rss < 250 * 2**20

        # Over: nothing is refused any more, and every answered deduction was made once.
        calm = await asyncio.gather(
            *(one_connection(service.port, key, 10_000 + n) for n in range(32))
        )
        assert {status for answers in calm for status, _ in answers} == {200}
        async with service.by_key(key) as client:
            left = [(await client.get(f"/balance/over_{n}"))["balance"] for n in range(50)]
        assert 50 * 1_000_000 - sum(left) == done + 32 * ROUNDS
    finally:
        service.kill()
    service.verify()
