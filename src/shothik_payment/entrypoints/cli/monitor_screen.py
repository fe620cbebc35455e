"""How `monitor` shows what it found."""

from __future__ import annotations

from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from shothik_payment.entrypoints.cli.support import print_json, printable
from shothik_payment.entrypoints.cli.tally import Snapshot

_LATE_SECONDS = 10


class Output:
    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def show(self, snapshot: Snapshot) -> None:
        raise NotImplementedError


class Lines(Output):
    """JSON, one object a line."""

    def show(self, snapshot: Snapshot) -> None:
        print_json(snapshot.as_json())


class Screen(Output):
    """On a terminal one picture that changes; else one below the other."""

    def __init__(self, *, live: bool) -> None:
        console = Console(highlight=False)
        self._console = console
        self._live = (
            Live(Text("Listening …", "dim"), console=console, auto_refresh=False)
            if live and console.is_terminal
            else None
        )

    def __enter__(self) -> Self:
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
    parts.extend(Text(printable(problem), "bold red") for problem in snapshot.problems)
    return Group(*parts)


def _events(snapshot: Snapshot) -> Table:
    table = Table(title="Events", title_justify="left", expand=False)
    table.add_column("type")
    for column in ("in all", "a second"):
        table.add_column(column, justify="right")
    table.add_column("newest")
    for kind, count in snapshot.events.items():
        rate = Text(f"{count.per_second:,.1f}", "bold green" if count.per_second else "dim")
        table.add_row(_plain(kind), f"{count.total:,}", rate, _plain(count.last))
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
        table.add_row(_plain(name), waiting, consumers)
    if not snapshot.queues:
        table.add_row(Text("none yet: a service has them from its first key on", "dim"), "", "")
    return table


def _plain(text: str) -> Text:
    """Whoever publishes has chosen it: neither markup nor control characters count."""
    return Text(printable(text))


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
