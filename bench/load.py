"""Load by wrk, and what it cost the server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path

import psutil

CONNECTIONS = 32
SCRIPT = Path(__file__).with_name("requests.lua")


@dataclass(frozen=True)
class Figures:
    """`refused`: answers other than 2xx and 3xx; `broken`: connections that failed or timed out.
    `cpu_us`: processor time of all the server's processes for each request."""

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    rss_mib: float
    requests: int
    refused: int
    broken: int


def processes(leader: int) -> list[psutil.Process]:
    process = psutil.Process(leader)
    return [process, *process.children(recursive=True)]


def cpu_seconds(leader: int) -> float:
    times = [process.cpu_times() for process in processes(leader)]
    return sum(t.user + t.system for t in times)


def rss_mib(leader: int) -> float:
    """Of the largest process: the one that serves."""
    return max(process.memory_info().rss for process in processes(leader)) / 2**20


def run_wrk(
    url: str,
    leader: int,
    *,
    key: str,
    wallets: int,
    seconds: int,
    connections: int = CONNECTIONS,
    users: str = "bench",
    pause_ms: int = 0,
    read: str = "",
) -> Figures:
    """Deducts from the wallets `{users}_0` and on, or asks for the path `read` with each of these
    users in the place of `{}`; each connection with a pause between two."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise SystemExit("wrk is missing: apt-get install wrk, or make bench as root on Debian")
    environment = {
        **os.environ,
        "BENCH_KEY": key,
        "BENCH_USERS": users,
        "BENCH_WALLETS": str(wallets),
        "BENCH_RUN": uuid.uuid4().hex,
        "BENCH_SEED": "1",
        "BENCH_PAUSE_MS": str(pause_ms),
        "BENCH_READ": read,
    }
    before = cpu_seconds(leader)
    command = [
        wrk, "-t1", f"-c{connections}", f"-d{seconds}", "--timeout", "30", "-s", str(SCRIPT), url,
    ]  # fmt: skip
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    used = cpu_seconds(leader) - before
    line = next(line for line in ran.stdout.splitlines() if line.startswith("BENCH "))
    told = json.loads(line.removeprefix("BENCH "))
    requests = told["requests"]
    return Figures(
        requests / told["seconds"],
        told["p50_ms"],
        told["p99_ms"],
        used / max(requests, 1) * 1e6,
        rss_mib(leader),
        requests,
        told["refused"],
        told["broken"],
    )
