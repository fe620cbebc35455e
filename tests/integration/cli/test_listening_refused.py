"""What the commands that hear events say where they cannot."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from shothik_payment.domain.model.time import DAY, Millis
from shothik_payment.domain.ports.event_log import PARTITIONS
from tests.contracts.bindings import opened, sqlite_ports
from tests.contracts.book import NOW, Book, granting
from tests.e2e.service import Service

AWAY = "amqp://u:secret@127.0.0.1:9/"
LISTEN, MONITOR = ("listen", "--service", "paraphrase"), ("monitor", "--once")
REPLAY = ("events", "replay", "--from", "2026-01-01")
TOLD_AGAIN = ("events", "replay", "--from", "2024-01-01", "--to", "2025-01-01")
FAULTY = {
    ("listen", "--service", "nope"): "service: expected one of",
    (*LISTEN, "--also", "service.stop_user"): "--also",
    ("monitor", "--interval", "soon"): "no duration",
    ("events", "replay"): "--from",
    (*REPLAY, "--to", "2025-01-01"): "to: expected",
}


async def run(command: Service, *arguments: str, **environment: str) -> Any:
    return await asyncio.to_thread(command.run, *arguments, **environment)


async def test_in_memory_there_is_nothing_to_hear(tmp_path: Path) -> None:
    command = Service(tmp_path)
    for ended in await asyncio.gather(
        *(run(command, *asking, RABBITMQ_URL="memory://") for asking in (LISTEN, MONITOR, REPLAY))
    ):
        assert (ended.returncode, ended.stdout) == (2, "")
        assert ended.stderr.startswith("Error: RABBITMQ_URL: memory:// is in the server's process")


async def test_a_broker_that_is_away_is_exit_code_3(tmp_path: Path) -> None:
    command = Service(tmp_path)
    async with opened(command.database) as database:
        ports = sqlite_ports(database)
        await Book(ports.ledger).do(granting("u1", at=Millis(NOW - 1000 * DAY)))
        await ports.events.mark(await ports.events.unpublished(range(PARTITIONS), 100), [], NOW)
    for ended in await asyncio.gather(
        *(run(command, *asking, RABBITMQ_URL=AWAY) for asking in (LISTEN, TOLD_AGAIN))
    ):
        assert (ended.returncode, ended.stdout) == (3, "")
        assert ended.stderr.startswith("Error: The message broker is away.")
        assert "secret" not in ended.stderr


async def test_bad_input_is_told_on_stderr(tmp_path: Path) -> None:
    command = Service(tmp_path)
    async with opened(command.database):
        pass
    asked = (run(command, *arguments, RABBITMQ_URL=AWAY) for arguments in FAULTY)
    for told, ended in zip(FAULTY.values(), await asyncio.gather(*asked), strict=True):
        assert (ended.returncode, ended.stdout) == (2, "")
        assert told in " ".join(ended.stderr.split())
        assert "Traceback" not in ended.stderr
