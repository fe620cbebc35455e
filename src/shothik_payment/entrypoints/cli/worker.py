"""`worker`: the background work of a store that several machines share."""

from __future__ import annotations

import rich_click as click

from shothik_payment.entrypoints.settings import load_settings


@click.command(
    epilog="Example: DATABASE_URL=mongodb://… RABBITMQ_URL=amqp://… shothik-payment worker"
)
def worker() -> None:
    """Publish events, book what expires, look after open payments, until told to stop.

    Any number of workers share the work. SIGTERM or Ctrl-C ends one: it hands its part over.
    On the embedded store `serve` does all this itself.
    """
    from shothik_payment.entrypoints.worker import work_forever

    work_forever(load_settings())
