"""`keys`: the API keys of the microservices."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar

import msgspec
import rich_click as click
from click.exceptions import Exit

from shothik_payment.domain.model.api_key import DEFAULT_GRACE_SECONDS, ApiKey, ApiKeyStatus, Scope
from shothik_payment.domain.model.key_usage import Granularity
from shothik_payment.domain.use_cases.key_bulk import Bulk, BulkAction
from shothik_payment.entrypoints.application import Application
from shothik_payment.entrypoints.cli import key_options as o
from shothik_payment.entrypoints.cli import key_tables as tables
from shothik_payment.entrypoints.cli.group import WRONG
from shothik_payment.entrypoints.cli.support import (
    Moment,
    command_settings,
    json_option,
    print_json,
    with_application,
)
from shothik_payment.entrypoints.http import key_replies as k
from shothik_payment.entrypoints.http import replies as r
from shothik_payment.entrypoints.http.key_usage_replies import KeyUsageView, key_usage_view
from shothik_payment.entrypoints.http.times import millis
from shothik_payment.entrypoints.http.views import api_key_view

T = TypeVar("T")

_ACTOR = "command line"
_PAGE = 200
_key_id = click.argument("key_id")


@click.group()
def keys() -> None:
    """Make, list, change, rotate and revoke the API keys of the services."""


@keys.command(epilog="Example: shothik-payment keys generate --service paraphrase --expires-in 90d")
@click.option("--service", required=True, help="Name, slug or alias, as in the catalog.")
@o.term_options
@json_option
def generate(service: str, as_json: bool, **terms: Any) -> None:
    """Make a key for a service, and print it: it is shown this once."""
    name, expires_at = (
        o.checked_name(terms["name"]),
        o.end(terms["expires_in"], terms["expires_at"]),
    )

    async def work(application: Application) -> tuple[r.ApiKeyView, str | None]:
        key, plain = await application.key_administration.generate(
            service,
            actor=_ACTOR,
            name=name,
            scopes=[Scope(scope) for scope in terms["scopes"]] or None,
            expires_at=expires_at,
            allowed_ips=terms["allowed_ips"],
            rate_limit=terms["rate_limit"],
        )
        return await _view(application, key), plain

    view, plain = with_application(work, makes_store=True)
    if as_json:
        _print_json(key=plain, apiKey=view)
        return
    click.echo(plain)
    click.echo(f"Key {view.id} for {view.service}. It is shown this once; keep it safe.", err=True)


@keys.command("list", epilog="Example: shothik-payment keys list --service paraphrase")
@click.option("--service", help="Only keys of this service.")
@click.option("--status", type=click.Choice([s.value for s in ApiKeyStatus]), help="Only such.")
@json_option
def list_keys(service: str | None, status: str | None, as_json: bool) -> None:
    """List the keys; the keys themselves are not stored, only their last characters."""
    wanted = None if status is None else ApiKeyStatus(status)

    async def work(application: Application) -> list[r.ApiKeyView]:
        found: list[r.ApiKeyView] = []
        after = None
        while True:
            administration = application.key_administration
            page, after = await administration.list(service, after, _PAGE, wanted)
            await application.key_usage.show_last_use(page)
            now = application.wall_clock.now()
            found.extend(api_key_view(key, now) for key in page)
            if after is None:
                return found

    found = with_application(work)
    if as_json:
        _print_json(apiKeys=found)
    elif found:
        tables.print_keys(found)
    else:
        which = "" if service is None and status is None else " of this kind"
        click.echo(f"No keys{which} yet. Make one with: shothik-payment keys generate --service …")


@keys.command(epilog="Example: shothik-payment keys show key_0191f2…")
@_key_id
@json_option
def show(key_id: str, as_json: bool) -> None:
    """Show one key."""
    _show_key(lambda app: app.key_administration.get(key_id), as_json)


@keys.command(
    epilog="Example: shothik-payment keys update key_0191f2… --rate-limit 100 --no-expiry"
)
@_key_id
@o.term_options
@o.lifting_options
@json_option
def update(key_id: str, as_json: bool, **terms: Any) -> None:
    """Change a key; what is not given stays. Of a rotated key: its name, and to an earlier end."""
    wanted = o.some_update(terms)

    async def work(application: Application) -> ApiKey:
        administration = application.key_administration
        return (await administration.update(key_id, wanted, actor=_ACTOR))[0]

    _show_key(work, as_json)


@keys.command(epilog="Example: shothik-payment keys rotate key_0191f2… --grace 7d")
@_key_id
@o.grace_option
@o.no_grace_option
@json_option
def rotate(key_id: str, grace: int | None, no_grace: bool, as_json: bool) -> None:
    """Make a new key in the place of this one, and print it: it is shown this once."""
    seconds = o.grace_seconds(grace, no_grace, DEFAULT_GRACE_SECONDS)

    async def work(application: Application) -> k.RotatedKeyReply:
        rotation = await application.key_administration.rotate(
            key_id, actor=_ACTOR, grace_seconds=seconds
        )
        return k.rotated_reply(rotation, application.wall_clock.now())

    done = with_application(work)
    if as_json:
        _print_json(key=done.key, apiKey=done.api_key, previous=done.previous)
        return
    click.echo(done.key)
    click.echo(
        f"Key {done.api_key.id} for {done.api_key.service}. It is shown this once; keep it safe."
        f" {done.previous.id} goes on until {done.previous.valid_until}.",
        err=True,
    )


@keys.command(epilog="Example: shothik-payment keys revoke key_0191f2…")
@_key_id
@json_option
def revoke(key_id: str, as_json: bool) -> None:
    """Revoke a key for good. Running servers heed it within two seconds."""

    async def work(application: Application) -> r.ApiKeyView:
        key, _ = await application.key_administration.revoke(key_id, actor=_ACTOR)
        return await _view(application, key)

    view = with_application(work)
    if as_json:
        _print_json(apiKey=view)
    else:
        click.echo(f"Key {view.id} of {view.service} is revoked.")


@keys.command(
    epilog="Example: shothik-payment keys bulk update key_0191f2… key_0191f3… --rate-limit 100"
)
@click.argument("action", type=click.Choice([action.value for action in BulkAction]))
@click.argument("key_ids", nargs=-1, required=True)
@o.term_options
@o.lifting_options
@o.grace_option
@o.no_grace_option
@json_option
def bulk(
    action: str,
    key_ids: tuple[str, ...],
    grace: int | None,
    no_grace: bool,
    as_json: bool,
    **terms: Any,
) -> None:
    """Revoke, rotate or update up to 100 keys; what fails for one spoils no other."""
    seconds = o.grace_seconds(grace, no_grace, DEFAULT_GRACE_SECONDS)
    changes = o.some_update(terms) if action == BulkAction.UPDATE else None
    wanted = Bulk(BulkAction(action), key_ids, changes, seconds)

    async def work(application: Application) -> list[k.BulkResultView]:
        results, _ = await application.key_bulk.run(wanted, actor=_ACTOR)
        now = application.wall_clock.now()
        return [k.bulk_result_view(result, now) for result in results]

    results = with_application(work)
    if as_json:
        _print_json(results=results)
    else:
        tables.print_results(results)
    if any(result.error is not None for result in results):
        raise Exit(WRONG)


@keys.command(epilog="Example: shothik-payment keys usage key_0191f2… --granularity hour")
@_key_id
@click.option("--from", "since", type=Moment(), help="The first moment.")
@click.option("--to", "until", type=Moment(), help="The moment after the last.  [default: now]")
@click.option("--granularity", type=click.Choice([g.value for g in Granularity]), default="day")
@json_option
def usage(
    key_id: str, since: datetime | None, until: datetime | None, granularity: str, as_json: bool
) -> None:
    """Show how often a key was used, by day or hour of UTC. A running server adds what it has
    counted every five seconds."""

    async def work(application: Application) -> KeyUsageView:
        reports, by = application.key_usage, Granularity(granularity)
        return key_usage_view(await reports.report(key_id, by, millis(since), millis(until)))

    found = with_application(work)
    if as_json:
        _print_json(usage=found)
    else:
        tables.print_usage(found)


@keys.command("audit-log", epilog="Example: shothik-payment keys audit-log key_0191f2…")
@_key_id
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@json_option
def audit_log(key_id: str, limit: int, as_json: bool) -> None:
    """Show who changed what of a key, and refused uses of it, the last written first.

    Refused uses are written up to ten minutes after they came.
    """

    async def work(application: Application) -> list[k.AuditEntryView]:
        found, _ = await application.key_administration.audit_log(key_id, None, limit)
        return k.audit_views(found)

    entries = with_application(work)
    if as_json:
        _print_json(entries=entries)
    else:
        tables.print_entries(entries)


@keys.command(epilog="Example: shothik-payment keys validate key_0191f2…")
@_key_id
@json_option
def validate(key_id: str, as_json: bool) -> None:
    """Show whether a key can be used; exit code 1 where it cannot."""
    in_servers_memory = command_settings().cache == "memory"

    async def work(application: Application) -> k.HealthView:
        key = await application.key_administration.get(key_id)
        await application.key_usage.show_last_use([key])
        return k.health_view(await application.key_health.check(key))

    health = with_application(work)
    if in_servers_memory:  # what a server has counted is not known here
        health = msgspec.structs.replace(health, rate_limit_remaining=None)
    if as_json:
        _print_json(health=health)
    else:
        tables.print_health(health)
    if not health.valid:
        raise Exit(WRONG)


def _show_key(find: Callable[[Application], Awaitable[ApiKey]], as_json: bool) -> None:
    async def work(application: Application) -> r.ApiKeyView:
        return await _view(application, await find(application))

    view = with_application(work)
    if as_json:
        _print_json(apiKey=view)
    else:
        tables.print_key(view)


async def _view(application: Application, key: ApiKey) -> r.ApiKeyView:
    await application.key_usage.show_last_use([key])
    return api_key_view(key, application.wall_clock.now())


def _print_json(**parts: Any) -> None:
    print_json(msgspec.to_builtins(parts))
