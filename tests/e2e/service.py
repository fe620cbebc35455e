"""A started service to test against: a process of its own, on a file and a port of its own."""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import jwt

from tests.support.preloaded import Preloaded
from tests.support.servers.process import has_ended

SECRET = "a-secret-for-tests-that-is-long-enough-for-hs256"
START_TIMEOUT_SECONDS = 60
LANE = 16
"""Connections of one HTTP client: it looks through all of its own at each request. No certificates
are read (`verify`): nothing here speaks TLS, and reading them takes longer than ten requests."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wrong_clock(seconds: float) -> dict[str, str]:
    """The variables of a process that is to be so much ahead."""
    folder = Path(__file__).with_name("wrong_clock")
    return {"PYTHONPATH": str(folder), "WRONG_CLOCK_SECONDS": str(seconds)}


def token(user_id: str, role: str | None = None) -> str:
    claims = {"sub": user_id, "exp": int(time.time()) + 3600}
    if role is not None:
        claims["role"] = role
    return jwt.encode(claims, SECRET, algorithm="HS256")


def launch(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, out: Path, err: Path
) -> Preloaded | subprocess.Popen[bytes]:
    """In a process group of its own; what it says is added to `out` and `err`."""
    if "PYTHONPATH" not in environment:
        return Preloaded(command, environment, folder, out, err)
    # What is to be there before anything is imported needs an interpreter of its own.
    with out.open("ab") as said, err.open("ab") as complained:
        return subprocess.Popen(
            [sys.executable, "-m", "shothik_payment", *command],
            env=environment,
            stdout=said,
            stderr=complained,
            cwd=folder,
            start_new_session=True,
        )


class Deployment:
    """Processes of the service that share one data store; `apis` are their base URLs."""

    def __init__(self, folder: Path, apis: Sequence[str], settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.apis = list(apis)
        self.environment = {
            **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME")},
            "JWT_SECRET": SECRET,
            "RATE_LIMIT_PER_HOUR": "100000000",
            "LOG_LEVEL": "warning",
            "LOG_FORMAT": "json",
            **settings,
        }

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        with tempfile.TemporaryDirectory() as told:
            out, err = Path(told) / "out", Path(told) / "err"
            process = launch(arguments, {**self.environment, **environment}, self.folder, out, err)
            try:
                code = process.wait(300)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                raise
            return subprocess.CompletedProcess(arguments, code, out.read_text(), err.read_text())

    def key(self, service: str = "paraphrase") -> str:
        """Made by what is running; a command would take a second to start."""
        made = httpx.post(
            f"{self.apis[0]}/admin/api-keys/generate",
            json={"service": service},
            headers={"Authorization": f"Bearer {token('admin_1', 'admin')}"},
            timeout=60,
            verify=False,
        )
        assert made.status_code == httpx.codes.CREATED, made.text
        key: str = made.json()["key"]
        return key

    def key_by_command(self, service: str = "paraphrase") -> str:
        """Whether or not anything runs."""
        made = self.run("keys", "generate", "--service", service, "--json")
        assert made.returncode == 0, made.stderr
        key: str = json.loads(made.stdout)["key"]
        return key

    def verify(self) -> None:
        """Fold the whole ledger; nothing may differ."""
        checked = self.run("verify", "--json")
        assert checked.returncode == 0, checked.stdout + checked.stderr

    @contextlib.asynccontextmanager
    async def client(self, authorization: str, connections: int = LANE) -> AsyncIterator[Client]:
        limits = httpx.Limits(max_connections=LANE, max_keepalive_connections=LANE)
        async with contextlib.AsyncExitStack() as stack:
            lanes = [
                await stack.enter_async_context(
                    httpx.AsyncClient(
                        headers={"Authorization": authorization},
                        limits=limits,
                        timeout=60,
                        verify=False,
                    )
                )
                for _ in range(math.ceil(connections / LANE))
            ]
            yield Client(lanes, self.apis)

    def by_key(self, key: str, connections: int = LANE) -> Any:
        return self.client(f"ApiKey {key}", connections)

    def by_user(self, user_id: str) -> Any:
        return self.client(f"Bearer {token(user_id)}")

    def by_admin(self) -> Any:
        return self.client(f"Bearer {token('admin_1', 'admin')}")

    async def give(self, user_id: str, amount: int) -> None:
        async with self.by_admin() as admin:
            body = {"userId": user_id, "amount": amount, "reason": "test"}
            await admin.post("/admin/credits", body)


class Started:
    """One `shothik-payment …` in a process group of its own; `start` and `kill` may be called again
    and again."""

    def __init__(
        self, command: Sequence[str], folder: Path, environment: dict[str, str], log: Path
    ) -> None:
        self.command = list(command)
        self.folder = folder
        self.environment = environment
        self.log = log
        self.process: Preloaded | subprocess.Popen[bytes] | None = None

    def start_until(self, is_up: Callable[[], bool]) -> None:
        self.log.touch()
        self.process = launch(self.command, self.environment, self.folder, self.log, self.log)
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if is_up():
                return
            if has_ended(self.process):
                raise AssertionError(f"it ended at once:\n{self.log.read_text()}")
            time.sleep(0.02)  # what asks all the time slows down what starts
        raise AssertionError(f"it did not start:\n{self.log.read_text()}")

    def kill(self) -> None:
        """As `kill -9` does it: all of its processes, without a warning."""
        if self.process is not None:
            self.strike()
            self.process.wait()
            self.process = None

    def strike(self) -> None:
        """The signal of `kill`, without waiting for the end."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def freeze(self) -> None:
        """It stands still until `thaw`."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGCONT)

    def stop(self, timeout: float = 20) -> int:
        """Ask it to end, and wait for it; its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout)
        self.process = None
        return code


class Service(Deployment, Started):
    """One `serve` on a port of its own, by default on an embedded store. The file stays over
    `kill` and `start`."""

    def __init__(self, folder: Path, port: int | None = None, **settings: str) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.api = f"{self.url}/api/v1"
        self.database = folder / "shothik.db"
        embedded = {"DATABASE_URL": f"sqlite:///{self.database}", "PORT": str(self.port)}
        Deployment.__init__(self, folder, [self.api], {**embedded, **settings})
        log = folder / f"service-{self.port}.log"
        Started.__init__(self, ["serve"], folder, self.environment, log)

    def start(self) -> Service:
        self.start_until(self.ready)
        return self

    def ready(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/health/ready", timeout=2, verify=False).status_code == 200
        return False


class Worker(Started):
    """One `worker` beside the services on the same servers."""

    def __init__(self, folder: Path, name: str, environment: Mapping[str, str]) -> None:
        log = folder / f"worker-{name}.log"
        super().__init__(["worker"], folder, {**environment, "LOG_LEVEL": "info"}, log)

    def start(self) -> Worker:
        size = self.log.stat().st_size if self.log.exists() else 0
        self.start_until(lambda: '"event": "working"' in self.log.read_text()[size:])
        return self


class Client:
    """Asks one API process after the other, and expects the status that the caller names."""

    def __init__(self, lanes: Sequence[httpx.AsyncClient], apis: Sequence[str]) -> None:
        self.http = lanes[0]
        self._lanes = cycle(lanes)
        self._apis = cycle(apis)

    async def send(
        self, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        return await next(self._lanes).post(next(self._apis) + path, json=body, headers=headers)

    async def post(self, path: str, body: Mapping[str, Any], status: int = 200) -> dict[str, Any]:
        answer = await self.send(path, body)
        assert answer.status_code == status, f"{answer.status_code} {answer.text}"
        result: dict[str, Any] = answer.json()
        return result

    async def get(self, path: str, status: int = 200, **query: Any) -> dict[str, Any]:
        answer = await next(self._lanes).get(next(self._apis) + path, params=query)
        assert answer.status_code == status, f"{answer.status_code} {answer.text}"
        result: dict[str, Any] = answer.json()
        return result

    async def events(self, user_id: str) -> list[dict[str, Any]]:
        """All events of a user so far, which have to be without a gap."""
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            query = {"userId": user_id, "limit": 200, **({"after": after} if after else {})}
            page = await self.get("/admin/events", **query)
            found.extend(page["events"])
            if page["next"] is None:
                break
            after = page["next"]
        assert [int(e["sequence"]) for e in found] == list(range(1, len(found) + 1))
        return found
