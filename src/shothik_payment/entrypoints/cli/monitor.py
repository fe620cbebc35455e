"""`monitor`: what goes through, and what waits."""

from __future__ import annotations

import asyncio

import rich_click as click

from shothik_payment.domain.errors import PaymentServiceError
from shothik_payment.entrypoints.cli.group import exit_code
from shothik_payment.entrypoints.cli.messages import event_stream, until_told
from shothik_payment.entrypoints.cli.monitor_screen import Lines, Screen
from shothik_payment.entrypoints.cli.support import Duration, command_settings, json_option
from shothik_payment.entrypoints.cli.watching import StoredOutbox, Watching
from shothik_payment.entrypoints.container import make_container


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
@click.pass_context
def monitor(context: click.Context, interval: int, once: bool, as_json: bool) -> None:
    """Show the events that are published, the services' queues, and the outbox.

    Takes nothing from anybody: it hears copies. Counts from its start on. Rates are those of the
    last interval. With --json each interval is a line. Ctrl-C ends it.

    Where the broker or the data store cannot be asked, the rest is shown and it is tried again.
    With --once the exit code says so too: 3 where one is away.
    """
    container = make_container(command_settings())
    services = [service.name for service in container.catalog().services]
    faults: list[PaymentServiceError] = []

    async def work(told: asyncio.Event) -> None:
        async with event_stream(container) as stream, StoredOutbox(container) as outbox:
            watching = Watching(stream, outbox, services, container.clock())
            with Lines() if as_json else Screen(live=not once) as output:
                await watching.run(interval, told, output.show, once=once)
            faults.extend(watching.faults)

    asyncio.run(until_told(work))
    if once:
        context.exit(max(map(exit_code, faults), default=0))
