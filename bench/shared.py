"""The deduct path on MongoDB, Redis and RabbitMQ, a worker at work beside it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from bench import reads, round_trips, tables
from bench.cases import WALLETS, Case, Target, fill_wallets, prepared, take_turns
from bench.mongo import MISSING, Mongo
from bench.servers import Bare, Servers
from tests.e2e.service import Service, Worker

CPU = "CPU of the API process ÷ bare, each deduct"
CPU_AT_RATE = "CPU of the API process ÷ bare at the same rate, each deduct"
MANY = 128
"""Connections: some four times as many requests share a batch."""
CPU_OF_MANY = f"CPU of the API process ÷ bare, each deduct, {MANY} connections"
HOT = "one wallet ÷ 1,000 wallets, requests/s"
TWO = "two API processes ÷ one, requests/s"


def run(folder: Path, servers: Servers, rounds: int, seconds: int, console: Console) -> None:
    if servers.mongo is None:
        console.print(MISSING, style="bold yellow")
        reads.not_measured("on servers", console)
        found = _targets(None)
    else:
        found = _targets(_measure(folder, servers, servers.mongo, rounds, seconds, console))
    console.print(tables.targets("Targets on MongoDB, Redis and RabbitMQ", found))


def _measure(
    folder: Path, servers: Servers, mongo: Mongo, rounds: int, seconds: int, console: Console
) -> list[Case]:
    settings = {
        "DATABASE_URL": mongo.fresh(),
        "REDIS_URL": servers.redis.url,
        "RABBITMQ_URL": servers.rabbit.virtual_host().url,
    }
    where = f"on {mongo.full_name}, {servers.redis_name} and {servers.rabbit_name}"
    with ExitStack() as after:
        after.callback(mongo.drop, settings["DATABASE_URL"])
        one = Service(prepared(folder / "shared"), None, **settings)
        two = Service(prepared(folder / "shared two"), None, **settings, WORKERS="2")
        worker = Worker(prepared(folder / "worker"), "bench", one.environment)
        bare = Bare()
        for server in (one, two, worker, bare):
            after.callback(server.kill)
            server.start()
        key = one.key()
        fill_wallets(one)
        # Wallets of their own, or each process would find that others were faster.
        fill_wallets(two, "two")
        thousand = Case("1,000 wallets", one, key, WALLETS)
        cases = [
            Case("bare", bare, key, WALLETS),
            thousand,
            Case("bare, at that rate", bare, key, WALLETS, paced_by=thousand),
            Case("one wallet", one, key, 1),
            Case(f"bare, {MANY} connections", bare, key, WALLETS, connections=MANY),
            Case(f"1,000 wallets, {MANY} connections", one, key, WALLETS, connections=MANY),
            Case("1,000 wallets, two API processes", two, key, WALLETS, "two"),
        ]
        take_turns(cases, rounds, seconds, console)
        two.kill()
        console.print(tables.deducts(where, cases))
        reads.measure(bare, one, key, {"": "bench"}, where, rounds, seconds, console)
        console.print(round_trips.count(folder, settings, servers, mongo, key))
        one.verify()
    return cases


def _targets(cases: list[Case] | None) -> list[Target]:
    cpu = at_rate = of_many = hot = two = None
    if cases is not None:
        bare, thousand, paced, one, bare_many, many, both = cases
        speed = thousand.median("per_second")
        cpu = thousand.median("cpu_us") / bare.median("cpu_us")
        at_rate = thousand.median("cpu_us") / paced.median("cpu_us")
        of_many = many.median("cpu_us") / bare_many.median("cpu_us")
        hot = one.median("per_second") / speed
        two = both.median("per_second") / speed
    return [
        Target(CPU, cpu, 2.2, at_most=True),
        Target(CPU_AT_RATE, at_rate, 2.2, at_most=True),
        Target(CPU_OF_MANY, of_many, 2.2, at_most=True),
        Target(HOT, hot, 0.8),
        Target(TWO, two, None),
    ]
