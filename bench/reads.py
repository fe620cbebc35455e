"""What services ask before they work, against the bare endpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console

from bench import tables
from bench.cases import WALLETS, Case, Target, take_turns
from bench.servers import Bare
from tests.e2e.service import Service

BALANCE = "/api/v1/balance/{}"
ACCESS = "/api/v1/subscriptions/{}/validate-access?feature=text_paraphrase&units=250"
_READS = {"balance": BALANCE, "validate-access": ACCESS}


def measure(
    bare: Bare,
    service: Service,
    key: str,
    users: Mapping[str, str],
    where: str,
    rounds: int,
    seconds: int,
    console: Console,
    bound: float | None = None,
) -> None:
    """In turns. `users`: the wallets' name, by what these users have."""
    cases = [Case("bare", bare, key, WALLETS)]
    cases += [
        Case(f"{name}{having}", service, key, WALLETS, wallets, read=path)
        for name, path in _READS.items()
        for having, wallets in users.items()
    ]
    take_turns(cases, rounds, seconds, console)
    console.print(tables.requests(f"GET {where}, 32 connections, medians", cases))
    console.print(tables.targets(f"Reads {where}", _targets(cases, bound)))


def not_measured(where: str, console: Console) -> None:
    missing = [Target(f"{name} ÷ bare, requests/s", None, None) for name in _READS]
    console.print(tables.targets(f"Reads {where}", missing))


def _targets(cases: Sequence[Case], bound: float | None) -> list[Target]:
    bare, *reads = cases
    speed = bare.median("per_second")
    return [
        Target(f"{case.name} ÷ bare, requests/s", case.median("per_second") / speed, bound)
        for case in reads
    ]
