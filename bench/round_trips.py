"""How often a deduct asks each server, counted by proxies between them and an API process."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from rich.table import Table

from bench import tables, wire
from bench.cases import DEDUCT, WALLETS, leader_of, prepared
from bench.load import run_wrk
from bench.mongo import Mongo, with_port
from bench.servers import Servers
from bench.wire import Wire
from tests.e2e.service import Service

IN_FLIGHT = (1, 32)
_SECONDS = 4
_IDLE_SECONDS = 3
_SETTLE_SECONDS = 1
"""In which what the load generator left behind is done."""

Wires = Mapping[str, Wire]
Asked = dict[str, Counter[str]]


def count(
    folder: Path, settings: Mapping[str, str], servers: Servers, mongo: Mongo, key: str
) -> Table:
    """On the wallets that are there already. What an idle process asks is taken off."""
    with ExitStack() as after:
        wires = {
            "DATABASE_URL": Wire(mongo.host, mongo.port, wire.mongodb),
            "REDIS_URL": Wire("127.0.0.1", servers.redis.port, wire.redis),
            "RABBITMQ_URL": Wire("127.0.0.1", servers.rabbit_port, wire.amqp),
        }
        for counting in wires.values():
            after.enter_context(counting)
        urls = {name: with_port(settings[name], w.port) for name, w in wires.items()}
        service = Service(prepared(folder / "counted"), None, **{**settings, **urls})
        after.callback(service.kill)
        service.start()
        _drive(service, key, IN_FLIGHT[-1], 2)
        time.sleep(_SETTLE_SECONDS)
        idle = _asked(wires, lambda: time.sleep(_IDLE_SECONDS))
        seen = {}
        for width in IN_FLIGHT:
            requests = 0

            def drive(width: int = width) -> None:
                nonlocal requests
                requests = _drive(service, key, width, _SECONDS)

            asked = _asked(wires, drive)
            seen[width] = {
                name: {
                    message: (number - idle[name][message] * _SECONDS / _IDLE_SECONDS) / requests
                    for message, number in asked[name].items()
                }
                for name in wires
            }
    return _table(seen)


def _drive(service: Service, key: str, width: int, seconds: int) -> int:
    """How many requests were answered."""
    figures = run_wrk(
        service.url + DEDUCT,
        leader_of(service),
        key=key,
        wallets=WALLETS,
        seconds=seconds,
        connections=width,
    )
    if figures.refused or figures.broken:
        raise SystemExit(f"{figures.refused} refused, {figures.broken} broken")
    return figures.requests


def _asked(wires: Wires, meanwhile: Callable[[], None]) -> Asked:
    before = {name: Counter(w.asked) for name, w in wires.items()}
    meanwhile()
    return {name: Counter(w.asked) - before[name] for name, w in wires.items()}


def _table(seen: Mapping[int, Mapping[str, Mapping[str, float]]]) -> Table:
    table = tables.table_of(
        "Request messages of the API process to each server, for each deduct",
        "server",
        [f"{width} in flight" for width in IN_FLIGHT],
    )
    servers = {"DATABASE_URL": "MongoDB", "REDIS_URL": "Redis", "RABBITMQ_URL": "RabbitMQ"}
    for name, server in servers.items():
        table.add_row(server, *(f"{sum(seen[w][name].values()):.3f}" for w in IN_FLIGHT))
        messages = {m for w in IN_FLIGHT for m, number in seen[w][name].items() if number >= 0.001}
        for message in sorted(messages):
            numbers = (seen[w][name].get(message, 0.0) for w in IN_FLIGHT)
            table.add_row(f"  {message}", *(f"{n:.3f}" for n in numbers), style="dim")
    return table
