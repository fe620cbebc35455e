"""Prints the figures of the deduct path: `python -m bench [--long] [--seconds N] [--rounds N]`.

Bare and real endpoints take turns on one machine, so that the ratios hold whatever else it does.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.load import Figures, run_wrk
from bench.seed import seed_history
from bench.servers import Bare
from tests.e2e.service import Service

WALLETS = 1_000
CREDITS = 1_000_000_000
LONG_WALLETS = 1_000_000
LONG_ROWS = 10_000_000
MEMORY_TARGET_MIB = 160


async def give_credits(service: Service, wallets: int) -> None:
    async with service.by_admin() as admin:
        jobs = (
            admin.post(
                "/admin/credits",
                {"userId": f"bench_{n}", "amount": CREDITS, "reason": "bench"},
            )
            for n in range(wallets)
        )
        await asyncio.gather(*jobs)


class Case:
    """One thing that is measured, in turns with the others."""

    def __init__(self, name: str, url: str, leader: int, key: str, wallets: int) -> None:
        self.name = name
        self._url = url
        self._leader = leader
        self._key = key
        self._wallets = wallets
        self.rounds: list[Figures] = []

    def measure(self, seconds: int) -> None:
        figures = run_wrk(
            self._url, self._leader, key=self._key, wallets=self._wallets, seconds=seconds
        )
        if figures.refused or figures.broken:
            raise SystemExit(f"{self.name}: {figures.refused} refused, {figures.broken} broken")
        self.rounds.append(figures)

    def median(self, field: str) -> float:
        return statistics.median(getattr(figures, field) for figures in self.rounds)


def leader_of(service: Service | Bare) -> int:
    if service.process is None:
        raise SystemExit("the server is not running")
    return service.process.pid


def take_turns(cases: list[Case], rounds: int, seconds: int, console: Console) -> None:
    for case in cases:
        case.measure(2)
        case.rounds.clear()
    for turn in range(rounds):
        for case in cases:
            console.print(f"round {turn + 1} of {rounds}: {case.name}", style="dim")
            case.measure(seconds)


def show(console: Console, cases: list[Case], ratios: list[tuple[str, float, float]]) -> None:
    table = Table(title="POST /deduct, 32 connections, unique request keys, medians")
    table.add_column("case")
    for heading in ("requests/s", "p50 ms", "p99 ms", "CPU µs/request", "RSS MiB"):
        table.add_column(heading, justify="right")
    for case in cases:
        table.add_row(
            case.name,
            f"{case.median('per_second'):,.0f}",
            f"{case.median('p50_ms'):.1f}",
            f"{case.median('p99_ms'):.1f}",
            f"{case.median('cpu_us'):.0f}",
            f"{max(figures.rss_mib for figures in case.rounds):.0f}",
        )
    console.print(table)
    targets = Table(title="Targets")
    targets.add_column("what")
    for heading in ("measured", "target", ""):
        targets.add_column(heading, justify="right")
    for name, measured, target in ratios:
        met = measured <= target if name.startswith("memory") else measured >= target
        targets.add_row(name, f"{measured:.2f}", f"{target:.2f}", "met" if met else "MISSED")
    console.print(targets)


def run(folder: Path, arguments: argparse.Namespace, console: Console) -> None:
    bare = Bare().start()
    service = Service(prepared(folder / "service")).start()
    servers = [bare, service]
    try:
        key = service.key()
        asyncio.run(give_credits(service, WALLETS))
        path = "/api/v1/deduct"
        cases = [
            Case("bare", bare.url + path, leader_of(bare), key, WALLETS),
            Case("1,000 wallets", service.url + path, leader_of(service), key, WALLETS),
            Case("one wallet", service.url + path, leader_of(service), key, 1),
        ]
        if arguments.long:
            old = Service(prepared(folder / "long"))
            seed_history(old, LONG_WALLETS, LONG_ROWS, CREDITS, console)
            servers.append(old.start())
            case = Case(
                "1,000,000 wallets", old.url + path, leader_of(old), old.key(), LONG_WALLETS
            )
            cases.append(case)
        take_turns(cases, arguments.rounds, arguments.seconds, console)
        speed = {case.name: case.median("per_second") for case in cases}
        memory = max(f.rss_mib for case in cases[1:] for f in case.rounds)
        ratios = [
            ("1,000 wallets ÷ bare", speed["1,000 wallets"] / speed["bare"], 0.55),
            ("one wallet ÷ 1,000 wallets", speed["one wallet"] / speed["1,000 wallets"], 0.8),
            ("memory, MiB", memory, MEMORY_TARGET_MIB),
        ]
        if arguments.long:
            ratio = speed["1,000,000 wallets"] / speed["1,000 wallets"]
            ratios.append(("1,000,000 wallets ÷ 1,000 wallets", ratio, 0.8))
        show(console, cases, ratios)
        service.verify()
    finally:
        for server in servers:
            server.kill()


def prepared(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--long", action="store_true", help="also on a million wallets")
    parser.add_argument("--seconds", type=int, default=8, help="of load for each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="of measurements for each case")
    parser.add_argument("--folder", type=Path, help="for the data; a temporary one by default")
    arguments = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        run(Path(folder), arguments, console)


if __name__ == "__main__":
    main()
