"""`serve`: the API with its background work."""

from __future__ import annotations

import rich_click as click

from shothik_payment.entrypoints.settings import load_settings


@click.command(epilog="Example: PORT=8080 shothik-payment serve")
@click.option(
    "--demo",
    is_flag=True,
    help="Development: print a key, an admin's token and a first request; demo_user gets credits.",
)
def serve(demo: bool) -> None:
    """Serve the API, and do the background work, until told to stop.

    SIGTERM or Ctrl-C ends it: requests under way are answered first.
    """
    # Half of what there is to import, and no other command needs it.
    from shothik_payment.entrypoints.server import serve_forever

    serve_forever(load_settings(), demo=demo)
