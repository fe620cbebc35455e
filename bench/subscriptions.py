"""Subscriptions on the embedded default: renewals, and what services ask before they work."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console

from bench import tables
from bench.cases import WALLETS, Case, Target, fill_wallets, prepared, take_turns
from bench.renewals import BALANCE, Renewals
from bench.servers import Bare
from bench.subscribed import subscribe, write_catalog
from shothik_payment.domain.model.time import DAY, Millis
from tests.e2e.service import Service

ACCESS = "/api/v1/subscriptions/{}/validate-access?feature=text_paraphrase&units=250"
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
        cases = _reads(bare, service, key)
        take_turns(cases, rounds, seconds, console)
        title = "GET on SQLite, 32 connections, medians"
        console.print(tables.requests(title, cases))
        console.print(tables.targets("Targets of reads on SQLite", _targets(cases)))
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


def _reads(bare: Bare, service: Service, key: str) -> list[Case]:
    def case(name: str, users: str, read: str) -> Case:
        return Case(name, service, key, WALLETS, users, read=read)

    return [
        Case("bare", bare, key, WALLETS),
        case("balance, no plan", "bench", BALANCE),
        case("balance, plan with limits", _PLANNED, BALANCE),
        case("validate-access, no plan", "bench", ACCESS),
        case("validate-access, plan with limits", _PLANNED, ACCESS),
    ]


def _targets(cases: list[Case]) -> list[Target]:
    bare, *reads = cases
    speed = bare.median("per_second")
    return [
        Target(f"{case.name} ÷ bare, requests/s", case.median("per_second") / speed, 0.7)
        for case in reads
    ]
