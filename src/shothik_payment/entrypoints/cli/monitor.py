"""`monitor`: what goes through, and what waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

import rich_click as click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from shothik_payment.domain.errors import PaymentServiceError, Unavailable
from shothik_payment.domain.ports.event_log import EventLog
from shothik_payment.domain.ports.event_stream import EventStream
from shothik_payment.domain.use_cases.active_services import ActiveServices
from shothik_payment.entrypoints.cli.messages import RETRY_SECONDS, listening, until_told
from shothik_payment.entrypoints.cli.support import (
    Duration,
    command_settings,
    json_option,
    print_json,
)
from shothik_payment.entrypoints.cli.tally import Snapshot, Tally
from shothik_payment.entrypoints.container import Container, make_container

_KINDS = ("stop_user", "resume_user", "control")
_LATE_SECONDS = 10


@click.command(epilog="Example: RABBITMQ_URL=amqp://… shothik-payment monitor --interval 5")
@click.option(
    "--interval",
    type=Duration(),
    default="2",
    show_default=True,
    help="Seconds between two looks, as 5 or 1m.",
)
@click.option("--once", is_flag=True, help="One look, after one interval.")
@json_option
def monitor(interval: int, once: bool, as_json: bool) -> None:
    """Show the events that are published, the services' queues, and the outbox.

    Takes nothing from anybody: it hears copies. Counts from its start on. Rates are those of the
    last interval. With --json each interval is a line. Ctrl-C ends it.
    """
    container = make_container(command_settings())
    output = _Lines() if as_json else _Screen(live=not once)

    async def work() -> None:
        async with listening(container) as stream, _ledger(container) as ledger:
            monitor = _Monitor(container, stream, ledger)
            with output:
                await monitor.run(interval, once, output)

    asyncio.run(until_told(work()))


class _Ledger:
    """What the store knows; `log` None: there is none to be reached, for the reason in `fault`."""

    def __init__(
        self, log: EventLog | None, active: ActiveServices | None, fault: str = ""
    ) -> None:
        self.log = log
        self.active = active
        self.fault = fault


@asynccontextmanager
async def _ledger(container: Container) -> AsyncIterator[_Ledger]:
    settings = container.settings()
    path = settings.sqlite_path
    if settings.store == "memory":
        yield _Ledger(None, None, "The outbox is in the server's process: DATABASE_URL=memory://.")
        return
    if path is not None and not path.exists():
        yield _Ledger(None, None, f"The outbox is not there: {path}.")
        return
    store = container.store()
    opened = []
    try:
        ledger = _Ledger(store.events, container.active_services())
        for connection in store.connections:
            try:
                await connection.open()
                opened.append(connection)
            except PaymentServiceError as error:
                ledger = _Ledger(None, None, str(error))
                break
        yield ledger
    finally:
        for connection in opened:
            await connection.close()


class _Output:
    def __enter__(self) -> _Output:
        return self

    def __exit__(self, *_: object) -> None: ...

    def show(self, snapshot: Snapshot) -> None:
        raise NotImplementedError


class _Monitor:
    def __init__(self, container: Container, stream: EventStream, ledger: _Ledger) -> None:
        self._clock = container.clock()
        self._services = [service.name for service in container.catalog().services]
        self._stream = stream
        self._ledger = ledger
        self._tally = Tally()
        self._deaf = ""

    async def run(self, interval: int, once: bool, output: _Output) -> None:
        async with asyncio.TaskGroup() as tasks:
            hearing = tasks.create_task(self._hear_always())
            while True:
                started = time.monotonic()
                await asyncio.sleep(interval)
                output.show(await self._look(time.monotonic() - started))
                if once:
                    break
            hearing.cancel()

    async def _hear_always(self) -> None:
        while True:
            try:
                async with aclosing(self._stream.watched()) as events:
                    self._deaf = ""
                    async for event in events:
                        self._tally.add(event)
            except Unavailable as error:
                self._deaf = str(error)
                await asyncio.sleep(RETRY_SECONDS)

    async def _look(self, seconds: float) -> Snapshot:
        problems = [fault for fault in (self._deaf, self._ledger.fault) if fault]
        queues = outbox = None
        try:
            if self._ledger.log is not None and self._ledger.active is not None:
                await self._ledger.active.refresh()
                outbox = await self._ledger.log.backlog()
        except PaymentServiceError as error:
            problems.append(str(error))
        try:
            queues = await self._stream.states(self._queues())
        except Unavailable as error:
            problems.append(str(error))
        unique = tuple(dict.fromkeys(problems))
        at = self._clock.now()
        return Snapshot(at, seconds, self._tally.lap(seconds), queues, outbox, unique)

    def _queues(self) -> Sequence[str]:
        active = () if self._ledger.active is None else self._ledger.active.names()
        return [f"{name}.{kind}" for name in active or self._services for kind in _KINDS]


class _Lines(_Output):
    def show(self, snapshot: Snapshot) -> None:
        print_json(snapshot.as_json())


class _Screen(_Output):
    """On a terminal one picture that changes; else one below the other."""

    def __init__(self, *, live: bool) -> None:
        console = Console(highlight=False)
        self._console = console
        self._live = (
            Live(Text("Listening …", "dim"), console=console, auto_refresh=False)
            if live and console.is_terminal
            else None
        )

    def __enter__(self) -> _Screen:
        if self._live is not None:
            self._live.start(refresh=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, snapshot: Snapshot) -> None:
        if self._live is None:
            self._console.print(_picture(snapshot))
        else:
            self._live.update(_picture(snapshot), refresh=True)


def _picture(snapshot: Snapshot) -> RenderableType:
    parts: list[RenderableType] = [_events(snapshot)]
    if snapshot.queues is not None:
        parts.append(_queue_table(snapshot))
    if snapshot.outbox is not None:
        parts.append(_outbox(snapshot))
    parts.extend(Text(problem, "bold red") for problem in snapshot.problems)
    return Group(*parts)


def _events(snapshot: Snapshot) -> Table:
    table = Table(title="Events", title_justify="left", expand=False)
    table.add_column("type")
    for column in ("in all", "a second"):
        table.add_column(column, justify="right")
    table.add_column("newest")
    for kind, count in snapshot.events.items():
        rate = Text(f"{count.per_second:,.1f}", "bold green" if count.per_second else "dim")
        table.add_row(kind, f"{count.total:,}", rate, count.last)
    if not snapshot.events:
        table.add_row(Text("none yet", "dim"), "", "", "")
    return table


def _queue_table(snapshot: Snapshot) -> Table:
    table = Table(title="Queues", title_justify="left", expand=False)
    table.add_column("queue")
    for column in ("waiting", "consumers"):
        table.add_column(column, justify="right")
    for name, state in (snapshot.queues or {}).items():
        waiting = Text(f"{state.waiting:,}", "yellow" if state.waiting else "")
        consumers = Text(str(state.consumers), "" if state.consumers else "dim")
        table.add_row(name, waiting, consumers)
    if not snapshot.queues:
        table.add_row(Text("none yet: a service has them from its first key on", "dim"), "", "")
    return table


def _outbox(snapshot: Snapshot) -> Text:
    outbox, oldest = snapshot.outbox, snapshot.oldest_seconds
    if outbox is None:
        return Text()
    if oldest is None:
        told = Text("Outbox: all is published.")
    else:
        style = "bold red" if oldest >= _LATE_SECONDS else ""
        told = Text(f"Outbox: {outbox.events:,} wait, the oldest for {oldest:,.1f} s.", style)
    if outbox.unwanted:
        told.append(f" {outbox.unwanted:,} were told and wanted by no queue.", "yellow")
    return told
