"""What several commands need."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import rich_click as click

from shothik_payment.domain.errors import Misconfigured, Unavailable
from shothik_payment.domain.model.identifiers import USER_ID_SHAPE, is_user_id
from shothik_payment.entrypoints.application import Application
from shothik_payment.entrypoints.container import make_container
from shothik_payment.entrypoints.logs import configure_logging
from shothik_payment.entrypoints.running import running
from shothik_payment.entrypoints.settings import LogLevel, Settings, load_settings

T = TypeVar("T")

_DURATION = re.compile(r"([1-9]\d{0,8})([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def command_settings() -> Settings:
    """The settings, with logging kept to what went wrong: a command speaks for itself."""
    settings = load_settings()
    configure_logging(LogLevel.ERROR, settings.log_format)
    return settings


def with_application(
    work: Callable[[Application], Awaitable[T]], *, makes_store: bool = False
) -> T:
    """Run `work` against the same store as the server, beside it if it is running.

    `makes_store`: a store that is not there yet is made. Else it is refused, since a mistyped path
    would look like an empty ledger.
    """
    settings = command_settings()
    if settings.store == "memory":
        raise Misconfigured(
            "DATABASE_URL", "memory:// is in the server's process, where no command reaches it"
        )
    path = settings.sqlite_path
    if path is not None and not makes_store and not path.exists():
        raise Unavailable(f"{path}: There is no data store; is DATABASE_URL right?")

    async def run() -> T:
        async with running(make_container(settings)) as application:
            return await work(application)

    return asyncio.run(run())


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))


def printable(text: str) -> str:
    """For a terminal: what could move its cursor or change its colours is told, not done."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class Duration(click.ParamType[int]):
    """Seconds, given as 90, 90s, 15m, 12h or 30d."""

    name = "duration"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        if isinstance(value, int):
            return value
        match = _DURATION.fullmatch(value)
        if match is None:
            self.fail(f"{value!r} is no duration; give 90s, 15m, 12h or 30d", param, ctx)
        return int(match.group(1)) * _SECONDS[match.group(2)]


class Moment(click.ParamType[datetime]):
    """A point in time; UTC where it has no zone."""

    name = "time"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time; give 2027-01-31T18:00:00Z", param, ctx)
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


class UserId(click.ParamType[str]):
    name = "user id"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        if not is_user_id(value):
            self.fail(f"{value!r} is no user id; give {USER_ID_SHAPE}", param, ctx)
        return str(value)
