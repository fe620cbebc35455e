"""What several commands about API keys are told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import rich_click as click

from shothik_payment.domain.model.api_key import Scope
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.use_cases import key_terms as t
from shothik_payment.entrypoints.cli.support import Duration, Moment
from shothik_payment.entrypoints.http.fields import require_name
from shothik_payment.entrypoints.http.times import millis

F = TypeVar("F", bound=Callable[..., Any])

_LIMIT = click.IntRange(1, 1_000_000_000)


def _all(*options: Callable[[F], F]) -> Callable[[F], F]:
    def decorate(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


term_options = _all(
    click.option("--name", help="What the key is called in lists."),
    click.option(
        "--scope",
        "scopes",
        type=click.Choice([scope.value for scope in Scope]),
        multiple=True,
        help="What the key may do; may be given several times.",
    ),
    click.option(
        "--allowed-ip",
        "allowed_ips",
        multiple=True,
        help="An address or network it may be used from; may be given several times.",
    ),
    click.option(
        "--rate-limit",
        type=_LIMIT,
        help="Requests an hour for this key alone; without it, it shares its service's.",
    ),
    click.option("--expires-in", type=Duration(), help="Valid for so long, such as 12h or 90d."),
    click.option(
        "--expires-at", type=Moment(), help="Valid until then, such as 2027-01-31T18:00Z."
    ),
)
lifting_options = _all(
    click.option("--any-ip", is_flag=True, help="May be used from everywhere."),
    click.option("--no-rate-limit", is_flag=True, help="Shares its service's limit."),
    click.option("--no-expiry", is_flag=True, help="Valid until it is revoked."),
)
grace_option = click.option(
    "--grace", type=Duration(), help="How long the old key goes on.  [default: 24h; at most 30d]"
)
no_grace_option = click.option("--no-grace", is_flag=True, help="The old key ends at once.")


def end(expires_in: int | None, expires_at: datetime | None) -> Millis | None:
    if expires_in is not None and expires_at is not None:
        raise click.UsageError("Give --expires-in or --expires-at, not both.")
    if expires_in is not None:
        try:
            expires_at = datetime.now(UTC) + timedelta(seconds=expires_in)
        except OverflowError:
            raise click.UsageError("--expires-in is too far away.") from None
    return millis(expires_at)


def grace_seconds(grace: int | None, no_grace: bool, default: int) -> int:
    if no_grace and grace is not None:
        raise click.UsageError("Give --grace or --no-grace, not both.")
    if no_grace:
        return 0
    return default if grace is None else grace


def checked_name(name: str | None) -> str | None:
    return None if name is None else require_name("--name", name)


def some_update(terms: dict[str, Any]) -> t.KeyUpdate:
    """From the values of `term_options` and `lifting_options`; at least one is given."""
    if not any(terms.values()):
        raise click.UsageError("Give what is to be changed.")
    for lifted, given in (
        ("any_ip", ("allowed_ips",)),
        ("no_rate_limit", ("rate_limit",)),
        ("no_expiry", ("expires_in", "expires_at")),
    ):
        for option in given:
            if terms[lifted] and terms[option]:
                names = (
                    f"--{name.replace('_', '-').removesuffix('s')}" for name in (lifted, option)
                )
                raise click.UsageError(f"Give {' or '.join(names)}, not both.")
    name, expires_at = checked_name(terms["name"]), end(terms["expires_in"], terms["expires_at"])
    return t.KeyUpdate(
        name=t.UNSET if name is None else name,
        scopes=[Scope(scope) for scope in terms["scopes"]] or t.UNSET,
        expires_at=_lifted(terms["no_expiry"], expires_at),
        allowed_ips=_lifted(terms["any_ip"], terms["allowed_ips"] or None),
        rate_limit=_lifted(terms["no_rate_limit"], terms["rate_limit"]),
    )


def _lifted(lifted: bool, value: Any) -> Any:
    if lifted:
        return None
    return t.UNSET if value is None else value
