"""The bare server beside the service."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.e2e.service import free_port

ROOT = Path(__file__).parents[1]


class Bare:
    """A process that serves `bench.bare`."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Bare:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.bare", str(self.port)], cwd=ROOT, start_new_session=True
        )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"{self.url}/health/ready", timeout=2).raise_for_status()
                return self
            time.sleep(0.05)
        raise SystemExit("the bare server did not start")

    def kill(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None
