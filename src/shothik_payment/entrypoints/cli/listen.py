"""`listen`: hears what a microservice would hear."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, aclosing, nullcontext
from typing import Any, Protocol

import rich_click as click
from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.events import EVENT_TYPES
from shothik_payment.domain.ports.event_stream import EventStream, ReceivedEvent, Unreadable
from shothik_payment.entrypoints.cli.consumer import Consumer, Effect
from shothik_payment.entrypoints.cli.messages import RETRY_SECONDS, listening, until_told
from shothik_payment.entrypoints.cli.support import (
    command_settings,
    json_option,
    print_json,
    printable,
)
from shothik_payment.entrypoints.container import make_container

_SHOWN_USERS = 10
_SHOWN_BYTES = 60
_SHOWN_WORDS = 100
_CONTROL = "service."
_OTHERS = [data.type for data in EVENT_TYPES if not data.type.startswith(_CONTROL)]
_STYLES = {"service.stop_user": "bold red", "service.resume_user": "bold green"}


@click.command(epilog="Example: RABBITMQ_URL=amqp://… shothik-payment listen --service paraphrase")
@click.option("--service", required=True, help="Whose queues: paraphrase or paraphrase_service.")
@click.option(
    "--control", is_flag=True, help="The queue that has stops and resumes in one, in order."
)
@click.option(
    "--also",
    type=click.Choice(_OTHERS),
    multiple=True,
    help="Events of this type too, in a queue of their own; may be given several times.",
)
@click.option("--count", type=click.IntRange(min=1), help="End after so many events.")
@json_option
def listen(
    service: str, control: bool, also: tuple[str, ...], count: int | None, as_json: bool
) -> None:
    """Hear the events of a service as they come, and show whom it would refuse.

    Makes the queues as the service does, and takes the events out of them: a service that is
    running meanwhile would miss some. An event that comes twice is told apart by its id, and a
    stop or resume counts only if it is the user's latest, as in every consumer. The blocklist
    starts empty; a service reads GET /blocklist first.

    With --json an event is a line, and the blocklist is the last one. Ctrl-C ends it. What is no
    event is put aside, as a consumer should, and told on stderr.
    """
    container = make_container(command_settings())
    name = container.catalog().service(service).name
    kinds = ["control"] if control else ["stop_user", "resume_user"]
    consumer = Consumer(name)
    screen = _Lines() if as_json else _Screen(name, consumer)

    async def work(told: asyncio.Event) -> None:
        async with listening(container) as stream:
            await _Listener(stream, consumer, screen, count).run(name, [*kinds, *also], told)

    asyncio.run(until_told(work))
    screen.ended(consumer)


class _Output(Protocol):
    def begins(self, queues: Sequence[str]) -> AbstractContextManager[Any]: ...

    def show(self, event: ReceivedEvent, effect: Effect, consumer: Consumer) -> None: ...

    def ended(self, consumer: Consumer) -> None: ...


class _Listener:
    def __init__(
        self, stream: EventStream, consumer: Consumer, output: _Output, count: int | None
    ) -> None:
        self._stream = stream
        self._consumer = consumer
        self._output = output
        self._left = count

    async def run(self, service: str, kinds: Sequence[str], told: asyncio.Event) -> None:
        """Until `told` is set, or as many events as wanted have come."""
        queues = await self._stream.declare(service, kinds)
        with self._output.begins(queues):
            while self._left != 0 and not told.is_set():
                try:
                    await self._hear(queues, told)
                except Unavailable as error:
                    click.echo(f"{printable(str(error))} Trying again.", err=True)
                    await asyncio.sleep(RETRY_SECONDS)
                    await self._declare_again(service, kinds)

    async def _hear(self, queues: Sequence[str], told: asyncio.Event) -> None:
        async with aclosing(self._stream.received(queues, _complain)) as events:
            async for event in events:
                self._output.show(event, self._consumer.take(event), self._consumer)
                await self._stream.accept(event)
                if self._left is not None:
                    self._left -= 1
                if self._left == 0 or told.is_set():
                    return

    async def _declare_again(self, service: str, kinds: Sequence[str]) -> None:
        """A queue that was deleted would be missed for ever."""
        try:
            await self._stream.declare(service, kinds)
        except Unavailable:
            return  # hearing will say so too


def _complain(message: Unreadable) -> None:
    """In one line of bounded length, whatever is in it."""
    problem = printable(message.problem[:_SHOWN_WORDS])
    start = printable(message.body[:_SHOWN_BYTES].decode(errors="replace"))
    more = "…" if len(message.body) > _SHOWN_BYTES else ""
    queue = printable(message.queue)
    told = f"Put aside from {queue}, since it is no event: {start}{more} ({problem})"
    click.echo(told, err=True)


class _Lines:
    """JSON, one object a line."""

    def begins(self, queues: Sequence[str]) -> AbstractContextManager[Any]:
        click.echo(_beginning(queues), err=True)
        return nullcontext()

    def show(self, event: ReceivedEvent, effect: Effect, consumer: Consumer) -> None:
        print_json(
            {
                "id": event.id,
                "type": event.type,
                "userId": event.user_id,
                "sequence": event.sequence,
                "time": event.time,
                "queue": event.queue,
                "redelivered": event.redelivered,
                "effect": effect,
                "blocked": event.user_id in consumer.blocked,
                "data": json.loads(event.data),
            }
        )

    def ended(self, consumer: Consumer) -> None:
        blocked = consumer.blocked.items()
        print_json(
            {
                "blocklist": [
                    {"userId": user, "reason": b.reason, "since": b.since, "sequence": b.sequence}
                    for user, b in blocked
                ]
            }
        )


class _Screen:
    """A line an event; on a terminal the blocklist stays below."""

    def __init__(self, service: str, consumer: Consumer) -> None:
        self._service = service
        self._consumer = consumer
        self._console = Console(highlight=False, soft_wrap=True)
        self._live: Live | None = None

    def begins(self, queues: Sequence[str]) -> AbstractContextManager[Any]:
        self._console.print(Text(_beginning(queues), "dim"))
        if not self._console.is_terminal:
            return nullcontext()
        self._live = Live(
            self._panel(),
            console=self._console,
            transient=True,
            auto_refresh=False,
            redirect_stderr=sys.stderr.isatty(),  # or what is told there would come here
        )
        return self._live

    def show(self, event: ReceivedEvent, effect: Effect, consumer: Consumer) -> None:
        line = Text.assemble(
            (f"{printable(event.time)}  ", "dim"),
            (f"{printable(event.type):<22}", _STYLES.get(event.type, "cyan")),
            f"  {printable(event.user_id)} #{event.sequence}  ",
            (printable(_told(event, effect)), "yellow" if effect is Effect.OUTDATED else ""),
        )
        if effect is Effect.DUPLICATE:
            line.stylize("dim")
        if self._live is not None:
            self._live.update(self._panel(), refresh=True)
        self._console.print(line)

    def ended(self, consumer: Consumer) -> None:
        self._console.print(self._panel() if self._console.is_terminal else self._words())

    def _words(self) -> Text:
        blocked = printable(", ".join(self._consumer.blocked)) or "nobody"
        return Text(f"Blocked for {self._service}: {blocked}")

    def _panel(self) -> Panel:
        blocked = self._consumer.blocked
        table = Table.grid(padding=(0, 2))
        for user in list(blocked)[-_SHOWN_USERS:]:
            reason, since = printable(blocked[user].reason), printable(blocked[user].since)
            table.add_row(Text(printable(user), "bold"), Text(reason), Text(f"since {since}"))
        if len(blocked) > _SHOWN_USERS:
            table.add_row(Text(f"and {len(blocked) - _SHOWN_USERS:,} more before", "dim"))
        if not blocked:
            table.add_row(Text("nobody", "dim"))
        title = f"{self._service} refuses {len(blocked):,}"
        return Panel(table, title=title, title_align="left", expand=False)


def _beginning(queues: Sequence[str]) -> str:
    return printable(f"Listening to {', '.join(queues)}; Ctrl-C ends.")


def _told(event: ReceivedEvent, effect: Effect) -> str:
    """What is worth a glance, and what became of it."""
    data = json.loads(event.data)
    if effect is Effect.DUPLICATE:
        return "came before"
    words = [
        f"{name} {data[name]}"
        for name in ("reason", "limit", "kind", "amount", "newBalance", "amountMinor", "plan")
        if name in data
    ]
    if effect is Effect.OUTDATED:
        words.append("(outdated: something later is known)")
    return ", ".join(words)
