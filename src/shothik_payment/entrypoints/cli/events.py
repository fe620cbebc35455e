"""`events`: what is kept of the past."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime

import rich_click as click

from shothik_payment.domain.events import EVENT_TYPES
from shothik_payment.domain.use_cases.replay import Replayed, Wanted
from shothik_payment.entrypoints.application import Application
from shothik_payment.entrypoints.cli.messages import require_broker
from shothik_payment.entrypoints.cli.support import (
    Moment,
    UserId,
    command_settings,
    json_option,
    with_application,
)
from shothik_payment.entrypoints.http.times import millis


@click.group()
def events() -> None:
    """Events of the last 30 days."""


@events.command(
    epilog="Example: shothik-payment events replay --from 2027-01-31T18:00:00Z"
    " --queue paraphrase_service.stop_user"
)
@click.option("--user", type=UserId(), help="Only this user's.")
@click.option(
    "--type",
    "types",
    type=click.Choice([data.type for data in EVENT_TYPES]),
    multiple=True,
    help="Only of this type; may be given several times.",
)
@click.option("--from", "since", type=Moment(), required=True, help="The first moment.")
@click.option("--to", "until", type=Moment(), help="The moment after the last.  [default: now]")
@click.option(
    "--queue",
    help="Into this queue only, as they were.",
)
@json_option
def replay(
    user: str | None,
    types: tuple[str, ...],
    since: datetime,
    until: datetime | None,
    queue: str | None,
    as_json: bool,
) -> None:
    """Tell past events again, into one queue or to everyone.

    Into a queue they go as they were: consumers know them by their ids. A queue of a service, such
    as paraphrase_service.stop_user, gets only what it is there for. To everyone, stops and resumes
    are not told again; who is stopped now is told anew. Needs the store and the broker; a server
    may be running meanwhile.
    """
    require_broker(command_settings())
    wanted = Wanted(millis(since), millis(until or datetime.now(UTC)), user, types, queue)

    async def work(application: Application) -> Replayed:
        return (await application.replay.run(wanted))[0]

    done = with_application(work)
    if as_json:
        click.echo(json.dumps(asdict(done)))
        return
    click.echo(f"{done.replayed:,} events were told again, to {queue or 'everyone'}.")
    if done.refused:
        click.echo(f"{done.refused:,} more were refused by a queue.")
    if done.retold:
        click.echo(f"For {done.retold:,} users it was told anew whether they are stopped.")
