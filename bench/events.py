"""How fast the relay is, and how late events are."""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import tables
from bench.cases import Target
from bench.mongo import MISSING
from bench.publishing import WAYS
from bench.servers import ROOT, Servers
from bench.spending import EVENTS, USERS
from tests.e2e.service import Deployment, Worker

LAG_SECONDS = 8
_BOOKED = 0.9
"""Of the rate that was wanted; where less is booked, commands stand in a queue before their
commit, and the lag is that queue's."""
_MAX_SECONDS = 300


@dataclass
class Store:
    """`shared`: processes of their own relay for it. `environment` of its processes."""

    name: str
    shared: bool
    environment: dict[str, str]
    rounds: dict[str, list[dict[str, float]]] = field(default_factory=lambda: {w: [] for w in WAYS})
    lags: list[dict[str, float]] = field(default_factory=list)
    """At half of the relay's rate, and then, where that was not booked, at half of what was."""

    def median(self, way: str, figure: str) -> float:
        return statistics.median(seen[figure] for seen in self.rounds[way])

    def ratio(self) -> float:
        return self.median("relay", "per_second") / self.median("bare", "per_second")


def run(folder: Path, servers: Servers, rounds: int, console: Console) -> None:
    with _stores(folder, servers) as stores:
        for store in stores:
            for turn in range(rounds):
                console.print(f"round {turn + 1} of {rounds}: relay, {store.name}", style="dim")
                _python(store.environment, "bench.spending", "fill")
                for way in WAYS:
                    told = _python(store.environment, "bench.publishing", way)
                    store.rounds[way].append(json.loads(told))
            _measure_lag(folder, store, console)
        if servers.mongo is None:
            console.print(MISSING, style="bold yellow")
        else:
            console.print(f"{servers.mongo.name}: {servers.mongo.full_name}", style="dim")
        console.print(_throughput(stores, servers))
        console.print(_lags(stores))
        console.print(tables.targets("Targets for events", _targets(stores)))


@contextlib.contextmanager
def _stores(folder: Path, servers: Servers) -> Iterator[list[Store]]:
    """Each with a virtual host and a database of its own."""
    with ExitStack() as after:
        stores = [_store(folder, servers, "SQLite", f"sqlite:///{folder}/events.db", shared=False)]
        if servers.mongo is not None:
            url = servers.mongo.fresh()
            after.callback(servers.mongo.drop, url)
            stores.append(_store(folder, servers, servers.mongo.name, url, shared=True))
        yield stores


def _store(folder: Path, servers: Servers, name: str, url: str, *, shared: bool) -> Store:
    settings = {"DATABASE_URL": url, "RABBITMQ_URL": servers.rabbit.virtual_host().url}
    return Store(name, shared, Deployment(folder, [], settings).environment)


def _python(environment: Mapping[str, str], *arguments: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", *arguments],
        env={**environment, "PYTHONPATH": str(ROOT)},
        cwd=environment.get("HOME", "/"),
        capture_output=True,
        text=True,
        timeout=_MAX_SECONDS,
    )
    if ran.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{ran.stdout[-2000:]}{ran.stderr[-4000:]}")
    return ran.stdout


def _measure_lag(folder: Path, store: Store, console: Console) -> None:
    rate = round(store.median("relay", "per_second") / 2)
    for _ in range(2):
        console.print(f"event lag, {store.name}, {rate:,} a second", style="dim")
        seen = _lag(folder, store, rate)
        store.lags.append(seen)
        if seen["per_second"] >= rate * _BOOKED:
            return
        rate = round(seen["per_second"] / 2)


def _lag(folder: Path, store: Store, per_second: int) -> dict[str, float]:
    """On a store with workers of their own, one of them publishes, and another process commits."""
    receiver = subprocess.Popen(
        [sys.executable, "-m", "bench.receiving", str(per_second * LAG_SECONDS)],
        env={**store.environment, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    worker = Worker(folder, "lag", store.environment)
    try:
        if receiver.stdout is None or receiver.stdout.readline() != "ready\n":
            raise SystemExit("the receiver did not start")
        if store.shared:
            worker.start()
        pace = ["--per-second", str(per_second), "--seconds", str(LAG_SECONDS)]
        works = [] if store.shared else ["--works"]
        _python(store.environment, "bench.spending", "pace", *pace, *works)
        told, _ = receiver.communicate(timeout=_MAX_SECONDS)
        if store.shared:
            # Killed, it would keep its share of the work for some seconds more.
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.stop()
        found: dict[str, float] = json.loads(told)
        return found
    finally:
        worker.kill()
        receiver.kill()
        receiver.wait()


def _throughput(stores: list[Store], servers: Servers) -> Table:
    table = tables.table_of(
        f"{EVENTS:,} events of {USERS:,} users into a queue of {servers.rabbit_name}, medians",
        "what",
        ["events/s", "CPU µs/event", "÷ bare"],
    )
    names = {
        "bare": "bare loop: bodies at hand, the library's publish",
        "batch": "the service's own publisher, no outbox",
        "relay": "relay: read, publish, mark",
    }
    for store in stores:
        for way in WAYS:
            speed = store.median(way, "per_second")
            table.add_row(
                f"{names[way]} ({store.name})",
                f"{speed:,.0f}",
                f"{store.median(way, 'cpu_us'):.0f}",
                f"{speed / store.median('bare', 'per_second'):.2f}",
            )
    return table


def _lags(stores: list[Store]) -> Table:
    table = tables.table_of(
        "Event lag, from the event's time (before its commit) to the consumer",
        "store, who publishes, deductions booked",
        ["events/s", "p50 ms", "p99 ms", "longest ms"],
    )
    for store in stores:
        publishes = "a worker" if store.shared else "the process that commits"
        rates = ("half the relay's rate", "half of what was booked then")
        for rate, lag in zip(rates, store.lags, strict=False):
            figures = [f"{lag[name]:,.0f}" for name in ("per_second", "p50_ms", "p99_ms", "max_ms")]
            table.add_row(f"{store.name}, {publishes}, {rate}", *figures)
    return table


def _targets(stores: list[Store]) -> list[Target]:
    measured: dict[str, tuple[float | None, float | None]]
    measured = {store.name: (store.ratio(), store.lags[-1]["p99_ms"]) for store in stores}
    if len(stores) == 1:
        measured["MongoDB"] = (None, None)
    found = []
    for name, (ratio, p99) in measured.items():
        found.append(Target(f"relay ÷ bare loop, {name}", ratio, 0.7))
        found.append(Target(f"event lag p99, ms, {name}", p99, 250, at_most=True))
    return found
