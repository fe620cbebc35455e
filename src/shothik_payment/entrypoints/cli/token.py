"""`token`: a signed token, for trying out and for operators."""

from __future__ import annotations

import rich_click as click

from shothik_payment.domain.errors import Misconfigured
from shothik_payment.domain.use_cases.principals import ADMIN_ROLE
from shothik_payment.entrypoints.cli.support import (
    Duration,
    UserId,
    command_settings,
    json_option,
    print_json,
)
from shothik_payment.entrypoints.container import make_container
from shothik_payment.entrypoints.settings import Settings


@click.command(epilog="Example: shothik-payment token --user u1 --admin --ttl 8h")
@click.option("--user", required=True, type=UserId(), help="The user that the token stands for.")
@click.option("--admin", is_flag=True, help="With the role admin.")
@click.option("--ttl", type=Duration(), default="1h", show_default=True, help="Valid for so long.")
@json_option
def token(user: str, admin: bool, ttl: int, as_json: bool) -> None:
    """Print a signed token (JWT) for a user.

    It is signed with JWT_SECRET, or with the secret that development keeps beside the database.
    """
    settings = command_settings()
    _require_shared_secret(settings)
    issuer = make_container(settings).token_issuer()
    made = issuer.issue(user, ADMIN_ROLE if admin else None, ttl)
    if as_json:
        print_json({"token": made})
    else:
        click.echo(made)


def _require_shared_secret(settings: Settings) -> None:
    configured = settings.jwt_secret or settings.jwt_public_key or settings.jwt_jwks_url
    if configured is None and (settings.store == "memory" or settings.production):
        raise Misconfigured("JWT_SECRET", "set it to the server's; there is none to be found")
