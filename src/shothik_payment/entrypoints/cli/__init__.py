"""The `shothik-payment` command."""

from shothik_payment.entrypoints.cli.check import check
from shothik_payment.entrypoints.cli.events import events
from shothik_payment.entrypoints.cli.group import ServiceGroup
from shothik_payment.entrypoints.cli.import_records import import_records
from shothik_payment.entrypoints.cli.keys import keys
from shothik_payment.entrypoints.cli.listen import listen
from shothik_payment.entrypoints.cli.migrate import migrate
from shothik_payment.entrypoints.cli.monitor import monitor
from shothik_payment.entrypoints.cli.reconcile import reconcile
from shothik_payment.entrypoints.cli.serve import serve
from shothik_payment.entrypoints.cli.token import token
from shothik_payment.entrypoints.cli.verify import verify
from shothik_payment.entrypoints.cli.worker import worker

import rich_click as click  # isort: skip


@click.group(cls=ServiceGroup)
@click.version_option(package_name="shothik-payment")
def main() -> None:
    """Run and look after a payment service that sells credits.

    Configured by environment variables (DATABASE_URL, PORT, …; see README.md). Every command but
    serve works whether or not a server is running.

    Exit codes: 0 done, 1 something is wrong with what was looked at, 2 bad input or configuration,
    3 the data store or the broker is away, or the store is damaged. What does not answer `check` is
    something wrong with what was looked at.
    """


for command in (
    serve,
    worker,
    migrate,
    keys,
    token,
    check,
    verify,
    reconcile,
    import_records,
    events,
    listen,
    monitor,
):
    main.add_command(command)
