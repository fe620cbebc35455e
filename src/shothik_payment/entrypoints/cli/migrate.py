"""`migrate`: makes the data store what this release expects."""

from __future__ import annotations

import asyncio

import rich_click as click

from shothik_payment.domain.errors import Misconfigured
from shothik_payment.entrypoints.cli.support import command_settings
from shothik_payment.entrypoints.container import make_container
from shothik_payment.entrypoints.settings import without_password


@click.command(epilog="Example: DATABASE_URL=mongodb://… shothik-payment migrate")
def migrate() -> None:
    """Make the collections, indexes and tables that this release expects.

    Run it once before a new release starts; running it again changes nothing. In development the
    service does it itself.
    """
    settings = command_settings()
    if settings.store == "memory":
        raise Misconfigured("DATABASE_URL", "memory:// starts empty, there is nothing to migrate")
    asyncio.run(make_container(settings).migration()())
    click.echo(f"{without_password(settings.database_url)} is up to date.")
