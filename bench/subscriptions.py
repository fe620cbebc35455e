"""Subscriptions on the embedded default: renewals, and what services ask before they work."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console

from bench import reads, tables
from bench.cases import WALLETS, fill_wallets, prepared
from bench.renewals import Renewals
from bench.servers import Bare
from bench.subscribed import subscribe, write_catalog
from shothik_payment.domain.model.time import DAY, Millis
from tests.e2e.service import Service

_PLANNED = "planned"


def due_at_once(*, long: bool) -> int:
    return 100_000 if long else 2_000


def run(folder: Path, rounds: int, seconds: int, console: Console, due: int) -> None:
    home = prepared(folder / "subscriptions")
    catalog = write_catalog(home)
    bare = Bare().start()
    service = Service(home, CATALOG_FILE=str(catalog)).start()
    try:
        key = service.key()
        fill_wallets(service)
        later = Millis(time.time_ns() // 1_000_000 + 20 * DAY)
        subscribe(service, catalog, _PLANNED, [later] * WALLETS)
        users = {", no plan": "bench", ", plan with limits": _PLANNED}
        reads.measure(bare, service, key, users, "on SQLite", rounds, seconds, console, bound=0.7)
        renewals = Renewals(service, key, catalog, console)
        renewals.measure_evenly(rounds, seconds)
        drained = renewals.measure_at_once(due, seconds)
        console.print(renewals.table())
        console.print(
            tables.targets(f"Targets of renewals, {due:,} at once", renewals.targets(drained))
        )
        renewals.require_each_once()
        service.verify()
    finally:
        bare.kill()
        service.kill()
