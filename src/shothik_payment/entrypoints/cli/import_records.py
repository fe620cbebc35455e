"""`import`: take over what the replaced service has kept."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from pathlib import Path
from stat import S_ISREG
from typing import Any, BinaryIO, TextIO

import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from shothik_payment.domain.errors import InvalidRequest
from shothik_payment.entrypoints.application import Application
from shothik_payment.entrypoints.cli.group import WRONG
from shothik_payment.entrypoints.cli.support import json_option, print_json, with_application
from shothik_payment.entrypoints.http.errors import camel
from shothik_payment.entrypoints.importing import Import, Refused, Report

_SHOWN = 20


@click.command(
    "import", epilog="Example: shothik-payment import wallets.jsonl keys.jsonl --dry-run"
)
@click.argument("files", nargs=-1, required=True, type=click.File("rb"))
@click.option("--dry-run", is_flag=True, help="Look through everything, and write nothing.")
@click.option(
    "--refused", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Write every refused line there, with the reason.",
)  # fmt: skip
@json_option
@click.pass_context
def import_records(
    context: click.Context,
    files: tuple[BinaryIO, ...],
    dry_run: bool,
    refused: Path | None,
    as_json: bool,
) -> None:
    """Take over wallets, transactions, subscriptions and keys of the replaced service.

    FILES have one JSON object a line (- is the standard input); docs/import.md describes them. It
    may be stopped and repeated at any time: what was taken over is not taken over again. The exit
    code is 1 if a line was refused or totals do not agree.
    """
    with ExitStack() as stack:
        told = _Told(stack.enter_context(_private(refused, files)) if refused else None)

        async def work(application: Application) -> Report:
            run = Import(application.takeover, told.add, dry=dry_run)
            with _progress() as progress:
                for file in files:
                    task = progress.add_task(file.name, total=_size(file))
                    await run.read(file.name, file, lambda n, t=task: progress.advance(t, n))  # type: ignore[misc]
            return run.close()

        report = with_application(work, makes_store=not dry_run)
    if as_json:
        print_json(_as_json(report, dry_run))
    else:
        _print(report, told, dry_run)
    if report.refused or report.disagreements:
        context.exit(WRONG)


def _private(path: Path, files: tuple[BinaryIO, ...]) -> TextIO:
    """For its owner's eyes: what could not be taken over may have keys in it."""
    if any(path.exists() and path.samefile(f.name) for f in files if Path(f.name).is_file()):
        raise InvalidRequest.of("--refused", "another file than those that are read")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    if S_ISREG(os.fstat(descriptor).st_mode):  # a file that was there keeps its mode
        os.fchmod(descriptor, 0o600)
    return open(descriptor, "w", encoding="utf-8")


class _Told:
    """Refused lines: the first on stderr, all of them in a file where one is given."""

    def __init__(self, file: TextIO | None) -> None:
        self.file = file
        self.count = 0

    def add(self, refused: Refused) -> None:
        self.count += 1
        error = refused.error
        if self.file is not None:
            written = {
                "file": refused.source,
                "line": refused.number,
                "code": error.code,
                "message": error.message,
                "details": camel(error.details()),
                "text": refused.line.decode(errors="replace").rstrip("\n"),
            }
            self.file.write(json.dumps(written, ensure_ascii=False) + "\n")
        if self.count <= _SHOWN:
            click.echo(f"{refused.source}, line {refused.number}: {error}", err=True)


def _size(file: BinaryIO) -> int | None:
    path = Path(file.name)
    return path.stat().st_size if path.is_file() else None


def _progress() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(),
        console=console, transient=True, disable=not console.is_terminal,
    )  # fmt: skip


def _as_json(report: Report, dry_run: bool) -> dict[str, Any]:
    return {
        "dryRun": dry_run,
        "records": {
            kind: {
                "new": count.new,
                "before": count.before,
                "refused": count.refused,
                "creditsInLines": count.asked,
                "creditsStored": count.booked,
            }
            for kind, count in report.counts.items()
        },
        "unreadable": report.unreadable,
        "disagreements": report.disagreements,
    }


def _print(report: Report, told: _Told, dry_run: bool) -> None:
    if told.count > _SHOWN:
        more = f"… and {told.count - _SHOWN:,} more refused lines"
        click.echo(more + ("" if told.file else "; --refused FILE writes all of them"), err=True)
    table = Table(title="Would be taken over" if dry_run else "Taken over", title_justify="left")
    table.add_column("records")
    for heading in ("now", "before", "refused", "credits in lines", "credits stored"):
        table.add_column(heading, justify="right")
    for kind, count in report.counts.items():
        figures = (count.new, count.before, count.refused, count.asked, count.booked)
        table.add_row(kind, *(f"{figure:,}" for figure in figures))
    Console().print(table)
    if report.unreadable:
        click.echo(f"{report.unreadable:,} lines could not be read.")
    for disagreement in report.disagreements:
        click.echo(f"Totals do not agree: {disagreement}")
    if not report.disagreements:
        click.echo("All totals agree.")
