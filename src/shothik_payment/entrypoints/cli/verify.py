"""`verify`: fold the whole ledger and compare it with what is stored."""

from __future__ import annotations

from typing import Any

import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from shothik_payment.domain.use_cases.verify import Difference
from shothik_payment.entrypoints.application import Application
from shothik_payment.entrypoints.cli.group import WRONG
from shothik_payment.entrypoints.cli.support import json_option, print_json, with_application


@click.command(epilog="Example: shothik-payment verify --json")
@json_option
@click.pass_context
def verify(context: click.Context, as_json: bool) -> None:
    """Check every wallet against its ledger.

    Each wallet's rows are added up and compared with its balance, grants, holds and events. Each
    difference is named; the exit code is 1 if there is one. A server may be running meanwhile.
    """
    users, rows, differences = with_application(_fold)
    if as_json:
        print_json(
            {"users": users, "rows": rows, "differences": [_as_json(d) for d in differences]}
        )
    else:
        for difference in differences:
            click.echo(str(difference))
        verdict = f"{len(differences)} differences" if differences else "no difference"
        click.echo(f"{users:,} wallets, {rows:,} ledger rows: {verdict}.")
    if differences:
        context.exit(WRONG)


async def _fold(application: Application) -> tuple[int, int, list[Difference]]:
    users = rows = 0
    differences: list[Difference] = []
    with progress_bar() as progress:
        task = progress.add_task("Wallets", total=await application.verify.count())
        async for checked in application.verify.run():
            users += 1
            rows += checked.rows
            differences.extend(checked.differences)
            progress.advance(task)
    return users, rows, differences


def progress_bar() -> Progress:
    """On stderr, and on a terminal only."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _as_json(difference: Difference) -> dict[str, Any]:
    return {
        "userId": difference.user_id,
        "what": difference.what,
        "stored": difference.stored,
        "folded": difference.folded,
    }
