"""Tables about API keys. Values are whole: ids are there to be copied, so nothing is cut or folded;
and names are text, whatever is in them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shothik_payment.entrypoints.http import key_replies as k
from shothik_payment.entrypoints.http import replies as r
from shothik_payment.entrypoints.http.key_usage_replies import KeyUsageView

_WIDE = 100_000
_STYLES = {"active": "green", "revoked": "red", "expired": "red", "rotated": "yellow"}
_BAR = 30


def _print(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell, _STYLES.get(cell, "")) for cell in row))
    _print_table(table)


def _print_table(table: Table) -> None:
    # A terminal wraps a line that is too long; rich would cut it.
    Console(width=_WIDE, highlight=False, soft_wrap=True, file=sys.stdout).print(table)


def _pairs(pairs: Iterable[tuple[str, str]]) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True)
    for name, value in pairs:
        table.add_row(name, Text(value, _STYLES.get(value, "")))
    _print_table(table)


def status_of(key: r.ApiKeyView) -> str:
    return "rotated" if key.status == "active" and key.replaced_by else key.status


def print_keys(keys: Sequence[r.ApiKeyView]) -> None:
    headings = ("ID", "KEY", "STATUS", "EXPIRES", "LAST USED", "SERVICE", "NAME")
    rows = [
        (
            key.id,
            f"{key.prefix}…{key.last4}",
            status_of(key),
            key.expires_at or "never",
            key.last_used_at or "never",
            key.service,
            key.name,
        )
        for key in keys
    ]
    _print(headings, rows)


def print_key(key: r.ApiKeyView) -> None:
    limit = "the service's" if key.rate_limit is None else f"{key.rate_limit:,} an hour"
    more = (
        ("Revoked", key.revoked_at),
        ("Rotated", key.rotated_at),
        ("Replaced by", key.replaced_by),
        ("Replaces", key.replaces),
        ("Legacy", "yes" if key.legacy else None),
    )
    _pairs(
        [
            ("ID", key.id),
            ("Key", f"{key.prefix}…{key.last4}"),
            ("Status", status_of(key)),
            ("Service", key.service),
            ("Name", key.name),
            ("Scopes", ", ".join(key.scopes) or "none"),
            ("Addresses", ", ".join(key.allowed_ips) or "any"),
            ("Rate limit", limit),
            ("Created", key.created_at),
            ("Expires", key.expires_at or "never"),
            ("Last used", key.last_used_at or "never"),
            *((name, value) for name, value in more if value is not None),
        ]
    )


def print_usage(usage: KeyUsageView) -> None:
    most = max((point.requests for point in usage.points), default=0)
    _print(
        ("FROM", "REQUESTS", ""),
        [
            (point.start, f"{point.requests:,}", "█" * _bar(point.requests, most))
            for point in usage.points
        ],
    )
    for heading, counts in (("STATUS", usage.by_status), ("ENDPOINT", usage.by_endpoint)):
        if counts:
            _print((heading, "REQUESTS"), [(name, f"{count:,}") for name, count in counts.items()])
    _pairs([("Total", f"{usage.total:,}")])


def _bar(requests: int, most: int) -> int:
    return -(-requests * _BAR // most) if most else 0


def print_results(results: Sequence[k.BulkResultView]) -> None:
    """With the new keys of a rotation, which are shown this once."""
    rows = []
    for result in results:
        if result.error is not None:
            told = f"{result.error.code}: {result.error.message}"
        elif result.previous is not None and result.api_key is not None:
            told = f"{result.api_key.id} {result.key or ''}".rstrip()
        else:
            told = "" if result.api_key is None else status_of(result.api_key)
        rows.append((result.key_id, str(result.status), told))
    _print(("ID", "STATUS", "RESULT"), rows)


def print_entries(entries: Sequence[k.AuditEntryView]) -> None:
    rows = [
        (
            entry.at,
            entry.actor,
            entry.ip or "",
            entry.action,
            "; ".join(f"{name}: {text}" for name, text in entry.changes.items()),
        )
        for entry in entries
    ]
    _print(("AT", "ACTOR", "ADDRESS", "ACTION", "CHANGES"), rows)


def print_health(health: k.HealthView) -> None:
    left = health.rate_limit_remaining
    seconds = health.expires_in
    _pairs(
        [
            ("Valid", "yes" if health.valid else "no"),
            ("Reasons", ", ".join(health.reasons) or "none"),
            ("Expires in", "never" if seconds is None else f"{seconds:,} s"),
            ("Requests left", "not known" if left is None else f"{left:,}"),
            ("Last used", health.last_used_at or "never"),
        ]
    )
