"""Cases that take turns, so that their ratios hold whatever else the machine does."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bench.load import CONNECTIONS, Figures, run_wrk
from bench.servers import Bare
from tests.e2e.service import Service

WALLETS = 1_000
CREDITS = 1_000_000_000
DEDUCT = "/api/v1/deduct"


@dataclass(frozen=True, slots=True)
class Target:
    """`measured` None: not measured in this run. `bound` None: shown, and nothing promised."""

    name: str
    measured: float | None
    bound: float | None
    at_most: bool = False

    def verdict(self) -> str:
        if self.measured is None:
            return "not measured"
        if self.bound is None:
            return ""
        met = self.measured <= self.bound if self.at_most else self.measured >= self.bound
        return "met" if met else "MISSED"


class Case:
    """One thing that is measured, in turns with the others. `paced_by`: at the rate that the other
    had in its last round, rather than at full speed. `read`: a path to be asked for, with `{}` for
    the user, instead of deductions."""

    def __init__(
        self,
        name: str,
        server: Service | Bare,
        key: str,
        wallets: int,
        users: str = "bench",
        paced_by: Case | None = None,
        read: str = "",
        connections: int = CONNECTIONS,
    ) -> None:
        self.name = name
        self._server = server
        self._key = key
        self._wallets = wallets
        self._users = users
        self._paced_by = paced_by
        self._read = read
        self._connections = connections
        self.rounds: list[Figures] = []

    def measure(self, seconds: int) -> None:
        figures = run_wrk(
            self._server.url + DEDUCT,
            leader_of(self._server),
            key=self._key,
            wallets=self._wallets,
            seconds=seconds,
            connections=self._connections,
            users=self._users,
            pause_ms=self._pause_ms(),
            read=self._read,
        )
        if figures.refused or figures.broken:
            raise SystemExit(f"{self.name}: {figures.refused} refused, {figures.broken} broken")
        self.rounds.append(figures)

    def _pause_ms(self) -> int:
        if self._paced_by is None or not self._paced_by.rounds:
            return 0
        return round(self._connections / self._paced_by.rounds[-1].per_second * 1_000)

    def median(self, field: str) -> float:
        return statistics.median(getattr(figures, field) for figures in self.rounds)

    def rss_mib(self) -> float:
        return max(figures.rss_mib for figures in self.rounds)


def leader_of(server: Service | Bare) -> int:
    if server.process is None:
        raise SystemExit("the server is not running")
    return server.process.pid


def take_turns(cases: Sequence[Case], rounds: int, seconds: int, console: Console) -> None:
    for case in cases:
        case.measure(2)
        case.rounds.clear()
    for turn in range(rounds):
        for case in cases:
            console.print(f"round {turn + 1} of {rounds}: {case.name}", style="dim")
            case.measure(seconds)


def prepared(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def fill_wallets(service: Service, users: str = "bench") -> None:
    """`{users}_0` and on, more credits each than any run can spend."""
    asyncio.run(_give(service, users))


async def _give(service: Service, users: str) -> None:
    async with service.by_admin() as admin:
        jobs = (
            admin.post(
                "/admin/credits",
                {"userId": f"{users}_{n}", "amount": CREDITS, "reason": "bench"},
            )
            for n in range(WALLETS)
        )
        await asyncio.gather(*jobs)
