"""The panel's pages over a long past: the time to the first byte."""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from rich.console import Console

from bench import tables
from bench.cases import Target, prepared
from bench.seed import seed_history, seed_user
from shothik_payment.entrypoints.http.cursors import cursor
from tests.e2e.service import Service, token

WALLETS = 9_000
ROWS = 900_000
BUSY = "bench_busy"
BUSY_ROWS = 100_000
PAYMENTS = 200
VISITS = 200
TARGET_MS = 100
_WARM_UP = 5


def run(folder: Path, console: Console) -> None:
    service = Service(prepared(folder / "panel"))
    seed_history(service, WALLETS, ROWS, credits=ROWS, console=console)
    seed_user(service, BUSY, BUSY_ROWS, console)
    service.start()
    try:
        payment_id = _open_payments(service)
        pages = _pages(service, payment_id)
        took = {name: _times(service, path) for name, path in pages.items()}
    finally:
        service.kill()
    rows = f"{ROWS + BUSY_ROWS:,}"
    table = tables.table_of(
        f"Pages of the panel over {rows} ledger rows on SQLite, one visitor, to the first byte",
        "page",
        ["p50 ms", "p99 ms"],
    )
    for name, times in took.items():
        table.add_row(name, f"{_share(times, 0.5):.1f}", f"{_share(times, 0.99):.1f}")
    console.print(table)
    worst = max(_share(times, 0.99) for times in took.values())
    console.print(
        tables.targets(
            "Targets of the panel", [Target("slowest page, p99 ms", worst, TARGET_MS, at_most=True)]
        )
    )


def _pages(service: Service, payment_id: str) -> dict[str, str]:
    user = f"/admin/users/{BUSY}"
    with sqlite3.connect(service.database) as connection:
        ends = connection.execute("SELECT min(at), max(at) FROM outbox").fetchone()
    middle = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(sum(ends) / 2 / 1000))
    deep = cursor("rows", BUSY_ROWS // 2)
    return {
        "overview": "/admin",
        "users": "/admin/users",
        f"user with {BUSY_ROWS:,} rows": user,
        "its ledger": f"{user}/ledger",
        "its ledger, half-way": f"{user}/ledger?cursor={deep}",
        "its events": f"{user}/events",
        "its events of a rare type": f"/admin/events?user={BUSY}&type=credit.added",
        "its events of an absent type": f"/admin/events?user={BUSY}&type=usage.limit_reset",
        "its payment": f"/admin/payments/{payment_id}",
        "payments": "/admin/payments",
        "payments by status and gateway": "/admin/payments?status=pending&gateway=sandbox",
        "events": "/admin/events",
        "events before a time": f"/admin/events?to={middle}",
        "events of a user before a time": f"/admin/events?user={BUSY}&to={middle}",
        "events of a rare type": "/admin/events?type=credit.added",
        "events of a type that is not there": "/admin/events?type=payment.refunded",
        "newer events": f"/admin/events/newer?after={cursor('events', ROWS)}",
    }


def _open_payments(service: Service) -> str:
    """Beside the past, since payments come from a gateway. The last one, of the busy user."""
    with httpx.Client(base_url=service.api, timeout=60) as client:
        for user in (*(f"bench_{number}" for number in range(PAYMENTS - 1)), BUSY):
            answer = client.post(
                "/payments/initiate",
                json={"packId": "credits_100", "gateway": "sandbox"},
                headers={"Authorization": f"Bearer {token(user)}"},
            )
            answer.raise_for_status()
    return str(answer.json()["paymentId"])


def _times(service: Service, path: str) -> list[float]:
    """Milliseconds of each visit, sorted."""
    with _signed_in(service) as client:
        found = [_first_byte(client, path) for _ in range(_WARM_UP + VISITS)]
    return sorted(found[_WARM_UP:])


def _first_byte(client: httpx.Client, path: str) -> float:
    started = time.perf_counter()
    with client.stream("GET", path) as answer:
        if answer.status_code != 200:
            raise SystemExit(f"{path}: {answer.status_code}")
        next(answer.iter_raw())
        took = time.perf_counter() - started
        answer.read() if not answer.is_stream_consumed else None
    return took * 1000


@contextmanager
def _signed_in(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=60) as client:
        sent = {"token": token("bench", "admin")}
        if client.post("/admin/sign-in", data=sent).status_code != 303:
            raise SystemExit("the panel lets nobody in")
        yield client


def _share(times: list[float], share: float) -> float:
    return times[min(len(times) - 1, math.ceil(len(times) * share) - 1)]
