"""A server in a process of its own, on a port and in a folder of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.support.preloaded import Preloaded


class MissingServer(Exception):
    """Says what to install."""


def program(name: str, package: str, *places: str) -> str:
    """Where the program is. Raises MissingServer."""
    for place in (shutil.which(name), *places):
        if place is not None and os.access(place, os.X_OK):
            return place
    raise MissingServer(
        f"{name} is needed for the tests and was not found. Install it (on Debian and Ubuntu, as"
        f" root: apt-get install {package}), or let `make test` run as root do it."
    )


def has_ended(process: Preloaded | subprocess.Popen[bytes]) -> bool:
    """False after a moment, in which it may come up."""
    try:
        process.wait(0.05)
    except subprocess.TimeoutExpired:
        return False
    return True


class ServerProcess:
    """`start` and `kill` may be called again and again: the folder stays."""

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self._command = list(command)
        self._environment = {**os.environ, **(environment or {})}
        self.folder = folder
        self.log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, is_up: Callable[[], bool], timeout_seconds: float = 60) -> None:
        """Return when it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + timeout_seconds
        while not is_up():
            if has_ended(self._process):
                raise AssertionError(f"{self._command[0]} ended:\n{self.log.read_text()}")
            if time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"{self._command[0]} is not up:\n{self.log.read_text()}")

    def stop(self, timeout_seconds: float = 30) -> None:
        """Let it end in good order."""
        self._end(signal.SIGTERM, timeout_seconds)

    def kill(self) -> None:
        self._end(signal.SIGKILL, 30)

    def freeze(self) -> None:
        """It keeps its connections and answers nothing, until `thaw`."""
        self._signal(signal.SIGSTOP)
        assert self._process is not None
        # On a busy machine it goes on for a moment, and may answer what is asked next.
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, number)

    def _end(self, number: signal.Signals, timeout_seconds: float) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        try:
            os.killpg(process.pid, number)
            process.wait(timeout_seconds)
        except ProcessLookupError:
            process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
