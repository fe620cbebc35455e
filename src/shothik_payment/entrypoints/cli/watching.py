"""What `monitor` asks, again and again: the broker, and the store's outbox."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Protocol, TypeVar

from shothik_payment.domain.errors import Misconfigured, PaymentServiceError, Unavailable
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.event_log import Backlog
from shothik_payment.domain.ports.event_stream import EventStream
from shothik_payment.entrypoints.cli.messages import RETRY_SECONDS
from shothik_payment.entrypoints.cli.tally import Snapshot, Tally
from shothik_payment.entrypoints.container import Container
from shothik_payment.entrypoints.container.backends import Connection

T = TypeVar("T")

_KINDS = ("stop_user", "resume_user", "control")


class Outbox(Protocol):
    async def backlog(self) -> Backlog:
        """Raises the domain's errors where it cannot be asked now."""
        ...

    def services(self) -> Sequence[str]:
        """The active ones, as of the last answer."""
        ...


class StoredOutbox:
    """The store is opened when first asked, and tried again where that failed: what was away may
    be back."""

    def __init__(self, container: Container) -> None:
        self._settings = container.settings()
        self._store = container.store()
        self._active = container.active_services()
        self._opened: list[Connection] = []

    async def __aenter__(self) -> StoredOutbox:
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in reversed(self._opened):
            await connection.close()

    async def backlog(self) -> Backlog:
        self._require_place()
        for connection in self._store.connections[len(self._opened) :]:
            await connection.open()
            self._opened.append(connection)
        await self._active.refresh()
        return await self._store.events.backlog()

    def services(self) -> Sequence[str]:
        return self._active.names()

    def _require_place(self) -> None:
        if self._settings.store == "memory":
            problem = "memory:// is in the server's process, and so is the outbox"
            raise Misconfigured("DATABASE_URL", problem)
        path = self._settings.sqlite_path
        if path is not None and not path.exists():  # opening would make it
            raise Unavailable(f"The outbox is not there: {path}.")


class Watching:
    """Counts what is published, and looks at what waits. `services` are all there can be. `faults`:
    why something could not be asked in the last look."""

    def __init__(
        self, stream: EventStream, outbox: Outbox, services: Sequence[str], clock: Clock
    ) -> None:
        self._stream = stream
        self._outbox = outbox
        self._services = services
        self._clock = clock
        self._tally = Tally()
        self._lap_began = time.monotonic()
        self._deaf: Unavailable | None = None
        self.faults: list[PaymentServiceError] = []

    async def run(
        self,
        interval: float,
        told: asyncio.Event,
        show: Callable[[Snapshot], None],
        *,
        once: bool = False,
    ) -> None:
        """Show how it stands after every interval, until `told` is set."""
        try:
            async with asyncio.TaskGroup() as tasks:
                hearing = tasks.create_task(self._hear_until(told))
                await self._show_until(told, interval, show, once=once)
                hearing.cancel()
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None

    async def _show_until(
        self,
        told: asyncio.Event,
        interval: float,
        show: Callable[[Snapshot], None],
        *,
        once: bool,
    ) -> None:
        while not told.is_set():
            await asyncio.sleep(interval)
            snapshot = await self._look()
            if not told.is_set():
                show(snapshot)
            if once:
                told.set()

    async def _hear_until(self, told: asyncio.Event) -> None:
        while not told.is_set():
            try:
                async with aclosing(self._stream.watched()) as events:
                    self._deaf = None
                    async for event in events:
                        self._tally.add(event)
            except Unavailable as error:
                self._deaf = error
                await asyncio.sleep(RETRY_SECONDS)

    async def _look(self) -> Snapshot:
        self.faults = []
        outbox = await self._answer(self._outbox.backlog())
        queues = await self._answer(self._stream.states(self._queues()))
        if self._deaf is not None:
            self.faults.append(self._deaf)
        began, self._lap_began = self._lap_began, time.monotonic()
        seconds = self._lap_began - began
        problems = tuple(dict.fromkeys(map(str, self.faults)))
        counts = self._tally.lap(seconds)
        return Snapshot(self._clock.now(), seconds, counts, queues, outbox, problems)

    async def _answer(self, asked: Awaitable[T]) -> T | None:
        try:
            return await asked
        except PaymentServiceError as error:
            self.faults.append(error)
            return None

    def _queues(self) -> list[str]:
        services = self._outbox.services() or self._services
        return [f"{name}.{kind}" for name in services for kind in _KINDS]
