"""What `listen` shows on a terminal, and of messages that are not as they should be."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from typing import Any

import aio_pika
import pytest

from tests.e2e.service import Service
from tests.support.published import raw_event
from tests.support.rabbit_client import Client
from tests.support.terminal import Terminal

SERVICE = "paraphrase_service"
STOPS, RESUMES = f"{SERVICE}.stop_user", f"{SERVICE}.resume_user"
LISTEN = ("listen", "--service", SERVICE)
DEEP = 100_000


async def send(client: Client, body: Any, queue: str = STOPS) -> None:
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    await client.channel.default_exchange.publish(aio_pika.Message(body), queue)


def stop(user: str, reason: str = "frozen", **fields: Any) -> dict[str, Any]:
    data = {"service": SERVICE, "reason": reason}
    return raw_event("service.stop_user", subject=user, data=data, **fields)


@pytest.fixture
def terminal(command: Service) -> Iterator[Terminal]:
    words = [sys.executable, "-m", "shothik_payment", *LISTEN]
    with Terminal(words, command.environment, command.folder) as terminal:
        terminal.wait_for("refuses 0")
        yield terminal


async def test_the_blocklist_is_shown_as_it_is_now(terminal: Terminal, client: Client) -> None:
    for number, user in enumerate(("u1", "u2"), 1):
        await send(client, stop(user))
        await asyncio.to_thread(terminal.wait_for, f"refuses {number}")
    resume = raw_event("service.resume_user", subject="u1", sequence="2", data={"service": SERVICE})
    shown = len(terminal.screen)
    await send(client, resume, RESUMES)
    await asyncio.to_thread(terminal.wait_for, "#2")
    await send(client, stop("u3"))
    await asyncio.to_thread(terminal.wait_for, "u3 #1")
    assert "refuses 1" in terminal.screen[shown:]
    assert await asyncio.to_thread(terminal.interrupt) == 0
    assert terminal.screen.rstrip().splitlines()[-4].count("refuses 2") == 1


async def test_what_a_publisher_chose_moves_no_cursor(terminal: Terminal, client: Client) -> None:
    await send(client, stop("u1[/]\x1b[2J", "\x07[bold]\u202e", time="\x1b]0;t\x07"))
    await asyncio.to_thread(terminal.wait_for, "refuses 1")
    assert await asyncio.to_thread(terminal.interrupt) == 0
    for told in (r"u1[/]\x1b[2J", r"\x07[bold]\u202e", r"\x1b]0;t\x07"):
        assert terminal.screen.count(told) > 1, told
    for control in ("\x1b[2J", "\x07", "\u202e", "\x1b]0;"):
        assert control not in terminal.screen, control


async def test_what_is_put_aside_is_told_beside_the_screen(
    terminal: Terminal, client: Client
) -> None:
    await send(client, b"\x1b[2Jhello")
    await send(client, stop("u1"))
    await asyncio.to_thread(terminal.wait_for, "refuses 1")
    assert await asyncio.to_thread(terminal.interrupt) == 0
    assert terminal.errors.startswith(
        rf"Put aside from {STOPS}, since it is no event: \x1b[2Jhello"
    )
    assert len(terminal.errors.splitlines()) == 1
    assert "hello" not in terminal.screen


async def test_each_that_is_put_aside_is_a_short_line(command: Service, client: Client) -> None:
    await client.assert_queue(STOPS)
    unreadable: list[Any] = [
        b"",
        b"\xff\xfe" * 5000,
        b"not JSON\nat all",
        {"an": "object"},
        stop("u1", sequence="one"),
        raw_event("service.stop_user", data=5),
        raw_event("service.stop_user", data=[stop("u1")]),
        b"[" * DEEP,
        stop("u1", "half \ud800 a pair"),
        json.dumps(stop("u1")).encode()[:-1] + b',"data":{"n":' + b"9" * 5000 + b"}}",
    ]
    for body in unreadable:
        await send(client, body)
    await send(client, stop("u1"))
    ended = await asyncio.to_thread(command.run, *LISTEN, "--count", "1", "--json")
    assert ended.returncode == 0, ended.stderr
    begun, *complaints = ended.stderr.splitlines()
    assert begun.startswith("Listening to")
    assert len(complaints) == len(unreadable)
    for line in complaints:
        assert line.startswith(f"Put aside from {STOPS}, since it is no event: ")
        assert len(line) < 500
    heard, last = (json.loads(line) for line in ended.stdout.splitlines())
    assert (heard["userId"], heard["effect"]) == ("u1", "applied")
    assert len(last["blocklist"]) == 1
    dead = [(await client.take("payment.events.dead")).body for _ in unreadable]
    assert dead[0] == b""
