"""`shothik-payment …` in a process of its own that does not import everything anew: it is forked
from one that has. Else a quarter of the time of all tests is spent on imports."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    ["shothik_payment.entrypoints.cli", "shothik_payment.entrypoints.server", "pydantic.v1"]
)


class Preloaded:
    """As a `subprocess.Popen` in a session of its own, as far as tests need one."""

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        out: Path,
        err: Path,
    ) -> None:
        given = (list(arguments), dict(environment), str(folder), str(out), str(err))
        self._arguments = given[0]
        self._process = _context.Process(target=_run, args=given)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired(self._arguments, timeout)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


def _run(
    arguments: list[str], environment: dict[str, str], folder: str, out: str, err: str
) -> None:
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for path, number in ((out, 1), (err, 2)):
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.dup2(file, number)
        os.close(file)
    # The platform's own way to start processes, as for a process that was not forked.
    multiprocessing.set_start_method(None, force=True)
    sys.argv = ["shothik-payment", *arguments]
    from shothik_payment.entrypoints.cli import main

    main()
