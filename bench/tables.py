"""What a run has measured, as tables."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from bench.cases import Case, Target


def table_of(title: str, names: str, figures: Sequence[str]) -> Table:
    """The first column has names, the others figures."""
    table = Table(title=title, title_justify="left")
    table.add_column(names)
    for heading in figures:
        table.add_column(heading, justify="right")
    return table


def deducts(where: str, cases: Sequence[Case]) -> Table:
    return requests(
        f"POST /deduct {where}, 32 connections unless said, unique request keys, medians", cases
    )


def requests(title: str, cases: Sequence[Case]) -> Table:
    table = table_of(
        title,
        "case",
        ["requests/s", "p50 ms", "p99 ms", "CPU µs/request", "RSS MiB"],
    )
    for case in cases:
        table.add_row(
            case.name,
            f"{case.median('per_second'):,.0f}",
            f"{case.median('p50_ms'):.1f}",
            f"{case.median('p99_ms'):.1f}",
            f"{case.median('cpu_us'):.0f}",
            f"{case.rss_mib():.0f}",
        )
    return table


def targets(title: str, found: Sequence[Target]) -> Table:
    table = table_of(title, "what", ["measured", "target", ""])
    for target in found:
        sign = "≤" if target.at_most else "≥"
        measured = "–" if target.measured is None else f"{target.measured:,.2f}"
        bound = "–" if target.bound is None else f"{sign} {target.bound:.2f}"
        table.add_row(target.name, measured, bound, target.verdict())
    return table
