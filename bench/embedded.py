"""The deduct path of one process on one file."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from bench import tables
from bench.cases import CREDITS, WALLETS, Case, Target, fill_wallets, prepared, take_turns
from bench.seed import seed_history
from bench.servers import Bare
from tests.e2e.service import Service

LONG_WALLETS = 1_000_000
LONG_ROWS = 10_000_000
MEMORY_TARGET_MIB = 160


def run(folder: Path, rounds: int, seconds: int, console: Console, *, long: bool) -> None:
    bare = Bare().start()
    service = Service(prepared(folder / "service")).start()
    servers: list[Bare | Service] = [bare, service]
    try:
        key = service.key()
        fill_wallets(service)
        cases = [
            Case("bare", bare, key, WALLETS),
            Case("1,000 wallets", service, key, WALLETS),
            Case("one wallet", service, key, 1),
        ]
        if long:
            old = Service(prepared(folder / "long"))
            seed_history(old, LONG_WALLETS, LONG_ROWS, CREDITS, console)
            servers.append(old.start())
            cases.append(Case("1,000,000 wallets", old, old.key(), LONG_WALLETS))
        take_turns(cases, rounds, seconds, console)
        console.print(tables.deducts("on SQLite", cases))
        console.print(tables.targets("Targets on SQLite", _targets(cases)))
        service.verify()
    finally:
        for server in servers:
            server.kill()


def _targets(cases: list[Case]) -> list[Target]:
    speed = {case.name: case.median("per_second") for case in cases}
    thousand = speed["1,000 wallets"]
    found = [
        Target("1,000 wallets ÷ bare, requests/s", thousand / speed["bare"], 0.55),
        Target("one wallet ÷ 1,000 wallets", speed["one wallet"] / thousand, 0.8),
        Target(
            "memory, MiB",
            max(case.rss_mib() for case in cases[1:]),
            MEMORY_TARGET_MIB,
            at_most=True,
        ),
    ]
    for name, per_second in speed.items():
        if name == "1,000,000 wallets":
            found.append(Target("1,000,000 wallets ÷ 1,000 wallets", per_second / thousand, 0.8))
    return found
