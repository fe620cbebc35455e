"""Renewals beside other work: how fast they go, and what that does to the others' latency."""

from __future__ import annotations

import sqlite3
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import tables
from bench.cases import DEDUCT, WALLETS, Target, leader_of
from bench.load import Figures, rss_mib, run_wrk
from bench.reads import BALANCE
from bench.subscribed import subscribe
from shothik_payment.domain.model.time import SECOND, Millis
from tests.e2e.service import Service

AN_HOUR = 100_000
"""So many are due in one hour: what has to go on beside everything else."""
PER_SECOND = AN_HOUR / 3_600
CONNECTIONS = 8
PAUSE_MS = 40
"""Each connection's between two requests: latency is measured of a server that is not full."""
MEMORY_TARGET_MIB = 160
_LOOK_SECONDS = 0.25
_STUCK_SECONDS = 60

# One statement, one moment: who is moved from the one to the other is never in neither.
_LEFT = """
    SELECT (SELECT count(*) FROM wallets WHERE next_due_at <= ?)
        + (SELECT count(*) FROM payments WHERE next_check_at IS NOT NULL)
"""
_RENEWED = "SELECT count(*), count(DISTINCT user_id) FROM subscription_steps WHERE kind = 'renewed'"


@dataclass(slots=True)
class Load:
    """What deductions and balances took, measured at once."""

    name: str
    deducts: list[Figures] = field(default_factory=list)
    balances: list[Figures] = field(default_factory=list)

    def measure(self, service: Service, key: str, seconds: int) -> None:
        def ask(read: str) -> Figures:
            url = service.url + DEDUCT
            found = run_wrk(
                url, leader_of(service), key=key, wallets=WALLETS, seconds=seconds,
                connections=CONNECTIONS, pause_ms=PAUSE_MS, read=read,
            )  # fmt: skip
            if found.refused or found.broken:
                raise SystemExit(f"{self.name}: {found.refused} refused, {found.broken} broken")
            return found

        with ThreadPoolExecutor(2) as both:
            deduct, balance = both.map(ask, ("", BALANCE))
        self.deducts.append(deduct)
        self.balances.append(balance)

    def median(self, what: str, figure: str) -> float:
        rounds: list[Figures] = getattr(self, what)
        found: float = statistics.median(getattr(figures, figure) for figures in rounds)
        return found


@dataclass(slots=True)
class Drained:
    """`peak_mib`: the most memory that the process was seen with."""

    per_second: float = 0.0
    peak_mib: float = 0.0


class Renewals:
    """Of one service whose wallets are filled."""

    def __init__(self, service: Service, key: str, catalog: Path, console: Console) -> None:
        self._service = service
        self._key = key
        self._catalog = catalog
        self._console = console
        self._seeded = 0
        self.quiet = Load("no renewals")
        self.evenly = Load(f"{AN_HOUR:,} an hour, evenly")
        self.at_once = Load("all at once")

    def measure_evenly(self, rounds: int, seconds: int) -> None:
        self.quiet.measure(self._service, self._key, 2)
        self.quiet = Load(self.quiet.name)
        for turn in range(rounds):
            self._console.print(f"round {turn + 1} of {rounds}: renewals evenly", style="dim")
            self.quiet.measure(self._service, self._key, seconds)
            first = _now() + 3 * SECOND
            count = round(PER_SECOND * seconds)
            ends = [Millis(first + round(n / PER_SECOND * SECOND)) for n in range(count)]
            subscribe(self._service, self._catalog, f"evenly{turn}", ends)
            self._seeded += count
            time.sleep(max(0, first - _now()) / SECOND)
            self.evenly.measure(self._service, self._key, seconds)
            self._watch(Drained())

    def measure_at_once(self, count: int, seconds: int) -> Drained:
        """As after an hour in which the service was down."""
        service = self._service
        service.stop()
        hour = range(_now() - 3_600 * SECOND, _now(), max(1, 3_600 * SECOND // count))
        subscribe(service, self._catalog, "at_once", [Millis(end) for end in hour[:count]])
        self._seeded += count
        service.start()
        self._console.print(f"{count:,} renewals at once", style="dim")
        drained = Drained()
        with ThreadPoolExecutor(1) as other:
            watching = other.submit(self._watch, drained)
            while not watching.done() or not self.at_once.deducts:
                before = len(self.at_once.deducts)
                self.at_once.measure(service, self._key, seconds)
                if before and watching.done():  # it was quiet for a part of it
                    self.at_once.deducts.pop()
                    self.at_once.balances.pop()
            watching.result()
        return drained

    def _watch(self, drained: Drained) -> None:
        """Until nothing is due any more."""
        leader = leader_of(self._service)
        with closing(sqlite3.connect(self._service.database)) as connection:
            started = moved = time.monotonic()
            first = left = self._left(connection)
            while left:
                time.sleep(_LOOK_SECONDS)
                drained.peak_mib = max(drained.peak_mib, rss_mib(leader))
                now, before, left = time.monotonic(), left, self._left(connection)
                if left != before:
                    moved = now
                    drained.per_second = (first - left) / (now - started)
                elif now - moved > _STUCK_SECONDS:
                    raise SystemExit(f"{left} renewals do not come to an end")

    @staticmethod
    def _left(connection: sqlite3.Connection) -> int:
        found: int = connection.execute(_LEFT, (_now(),)).fetchone()[0]
        return found

    def require_each_once(self) -> None:
        with closing(sqlite3.connect(self._service.database)) as connection:
            renewed, users = connection.execute(_RENEWED).fetchone()
        if (renewed, users) != (self._seeded, self._seeded):
            raise SystemExit(f"{renewed} renewals of {users} users, but {self._seeded} were due")

    def table(self) -> Table:
        figures = ["deducts/s", "p50 ms", "p99 ms", "balances/s", "p50 ms", "p99 ms"]
        title = f"POST /deduct and GET /balance, {CONNECTIONS} connections each, paced, medians"
        table = tables.table_of(title, "renewals meanwhile", figures)
        for load in (self.quiet, self.evenly, self.at_once):
            table.add_row(
                load.name,
                *(
                    f"{load.median(what, figure):,.{digits}f}"
                    for what in ("deducts", "balances")
                    for figure, digits in (("per_second", 0), ("p50_ms", 1), ("p99_ms", 1))
                ),
            )
        return table

    def targets(self, drained: Drained) -> list[Target]:
        found = [
            Target("renewals/s, all at once", drained.per_second, PER_SECOND),
            Target("memory, MiB", drained.peak_mib, MEMORY_TARGET_MIB, at_most=True),
        ]
        for load, bound in ((self.evenly, 2.0), (self.at_once, 2.0)):
            for what, name in (("deducts", "deduct"), ("balances", "balance")):
                for figure in ("p50_ms", "p99_ms"):
                    ratio = load.median(what, figure) / self.quiet.median(what, figure)
                    words = f"{name} {figure[:3]}, {load.name} ÷ none"
                    found.append(Target(words, ratio, bound, at_most=True))
        return found


def _now() -> Millis:
    return Millis(time.time_ns() // 1_000_000)
