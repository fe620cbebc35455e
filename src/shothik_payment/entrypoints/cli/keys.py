"""`keys`: the API keys of the microservices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import rich_click as click

from shothik_payment.domain.model.api_key import ApiKey
from shothik_payment.domain.model.time import Millis
from shothik_payment.entrypoints.application import Application
from shothik_payment.entrypoints.cli.support import (
    Duration,
    Moment,
    json_option,
    print_json,
    with_application,
)
from shothik_payment.entrypoints.http.fields import require_name
from shothik_payment.entrypoints.http.times import millis
from shothik_payment.entrypoints.http.views import api_key_view

_ACTOR = "command line"
_PAGE = 200


@click.group()
def keys() -> None:
    """Make, list and revoke the API keys of the services."""


@keys.command(epilog="Example: shothik-payment keys generate --service paraphrase --expires-in 90d")
@click.option("--service", required=True, help="Name, slug or alias, as in the catalog.")
@click.option("--name", help="What the key is called in lists.")
@click.option(
    "--rate-limit",
    type=click.IntRange(1, 1_000_000_000),
    help="Requests an hour for this key alone; without it, it shares its service's.",
)
@click.option("--expires-in", type=Duration(), help="Valid for so long, such as 12h or 90d.")
@click.option("--expires-at", type=Moment(), help="Valid until then, such as 2027-01-31T18:00Z.")
@json_option
def generate(
    service: str,
    name: str | None,
    rate_limit: int | None,
    expires_in: int | None,
    expires_at: datetime | None,
    as_json: bool,
) -> None:
    """Make a key for a service, and print it: it is shown this once."""
    if name is not None:
        require_name("--name", name)
    if expires_in is not None and expires_at is not None:
        raise click.UsageError("Give --expires-in or --expires-at, not both.")
    if expires_in is not None:
        try:
            expires_at = datetime.now(UTC) + timedelta(seconds=expires_in)
        except OverflowError:
            raise click.UsageError("--expires-in is too far away.") from None

    async def work(application: Application) -> tuple[ApiKey, str | None, Millis]:
        key, plain = await application.key_administration.generate(
            service,
            actor=_ACTOR,
            name=name,
            expires_at=millis(expires_at),
            rate_limit=rate_limit,
        )
        return key, plain, application.wall_clock.now()

    key, plain, now = with_application(work, makes_store=True)
    if as_json:
        print_json({"key": plain, "apiKey": _view(key, now)})
        return
    click.echo(plain)
    click.echo(f"Key {key.id} for {key.service}. It is shown this once; keep it safe.", err=True)


@keys.command("list", epilog="Example: shothik-payment keys list --service paraphrase")
@click.option("--service", help="Only keys of this service.")
@json_option
def list_keys(service: str | None, as_json: bool) -> None:
    """List the keys; the keys themselves are not stored, only their last characters."""

    async def work(application: Application) -> tuple[list[ApiKey], Millis]:
        found: list[ApiKey] = []
        after = None
        while True:
            page, after = await application.key_administration.list(service, after, _PAGE)
            found.extend(page)
            if after is None:
                return found, application.wall_clock.now()

    found, now = with_application(work)
    if as_json:
        print_json({"apiKeys": [_view(key, now) for key in found]})
    elif found:
        _print_table(found, now)
    else:
        click.echo("No keys yet. Make one with: shothik-payment keys generate --service …")


@keys.command(epilog="Example: shothik-payment keys revoke key_0191f2…")
@click.argument("key_id")
@json_option
def revoke(key_id: str, as_json: bool) -> None:
    """Revoke a key for good. Running servers heed it within two seconds."""

    async def work(application: Application) -> tuple[ApiKey, Millis]:
        key = await application.key_administration.revoke(key_id, actor=_ACTOR)
        return key, application.wall_clock.now()

    key, now = with_application(work)
    if as_json:
        print_json({"apiKey": _view(key, now)})
    else:
        click.echo(f"Key {key.id} of {key.service} is revoked.")


def _view(key: ApiKey, now: Millis) -> object:
    return msgspec.to_builtins(api_key_view(key, now))


def _print_table(found: Sequence[ApiKey], now: Millis) -> None:
    """Whole values in columns: ids are there to be copied, so nothing is cut or folded."""
    rows = [("ID", "KEY", "STATUS", "EXPIRES", "SERVICE", "NAME")]
    for key in found:
        view = api_key_view(key, now)
        shown = f"{key.prefix}…{key.last4}"
        rows.append((key.id, shown, view.status, view.expires_at or "never", key.service, key.name))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
