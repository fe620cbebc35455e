"""How a monitor ends, whatever the libraries under it make of a cancellation."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator, Sequence

import pytest

from shothik_payment.adapters.system import SystemClock
from shothik_payment.domain.ports.event_log import Backlog
from shothik_payment.domain.ports.event_stream import QueueState, ReceivedEvent
from shothik_payment.entrypoints.cli.messages import until_told
from shothik_payment.entrypoints.cli.tally import Snapshot
from shothik_payment.entrypoints.cli.watching import Watching


class Losing:
    """Answers when it is first cancelled, as `asyncio.wait_for` may up to Python 3.11. `waiting` is
    set when it is asked."""

    def __init__(self) -> None:
        self.waiting = asyncio.Event()
        self._lost = False

    async def answer(self) -> None:
        self.waiting.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if self._lost:
                raise
            self._lost = True


class Outbox:
    """Loses a cancellation."""

    def __init__(self) -> None:
        self.asked = Losing()

    async def backlog(self) -> Backlog:
        await self.asked.answer()
        return Backlog(0, None, 0)

    def services(self) -> Sequence[str]:
        return ()


class Stream:
    """Nothing comes; ends where it should have been cancelled."""

    def __init__(self) -> None:
        self.heard = Losing()

    async def states(self, queues: Sequence[str]) -> dict[str, QueueState]:
        return {}

    async def watched(self) -> AsyncGenerator[ReceivedEvent, None]:
        await self.heard.answer()
        for event in ():
            yield event


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_one_signal_ends_it_though_the_cancellation_is_lost(number: signal.Signals) -> None:
    shown: list[Snapshot] = []
    stream, outbox = Stream(), Outbox()
    watching = Watching(stream, outbox, ["paraphrase_service"], SystemClock())

    async def work(told: asyncio.Event) -> None:
        await watching.run(0, told, shown.append)

    async with asyncio.timeout(10):
        running = asyncio.create_task(until_told(work))
        await stream.heard.waiting.wait()
        await outbox.asked.waiting.wait()
        signal.raise_signal(number)
        await running
    assert shown == []


async def test_work_that_only_waits_ends_at_once() -> None:
    begun = asyncio.Event()

    async def work(told: asyncio.Event) -> None:
        begun.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(until_told(work))
    await begun.wait()
    signal.raise_signal(signal.SIGINT)
    await asyncio.wait_for(running, 30)
