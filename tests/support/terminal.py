"""A command on a terminal, as an operator sees it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

_SIZE = struct.pack("HHHH", 30, 120, 0, 0)
_CHUNK = 65_536


class Terminal:
    """`screen` is all that was written to it so far; stderr goes to a file."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, _SIZE)
        self._errors = folder / "stderr"
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                command,
                env={**environment, "TERM": "xterm"},
                cwd=folder,
                stdin=theirs,
                stdout=theirs,
                stderr=errors,
            )
        os.close(theirs)
        self._written = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)

    @property
    def screen(self) -> str:
        return self._written.decode(errors="replace")

    @property
    def errors(self) -> str:
        return self._errors.read_text()

    def wait_for(self, text: str, seconds: float = 30) -> None:
        """Return when it was written."""
        deadline = time.monotonic() + seconds
        while text not in self.screen:
            left = deadline - time.monotonic()
            assert left > 0, f"{text!r} was not written:\n{self.screen}\n{self.errors}"
            assert self._read(left), f"it ended before:\n{self.screen}\n{self.errors}"

    def interrupt(self, seconds: float = 30) -> int:
        """As Ctrl-C does it; the exit code."""
        self._process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + seconds
        while self._read(deadline - time.monotonic()):
            assert time.monotonic() < deadline, f"it goes on:\n{self.screen}"
        return self._process.wait(seconds)

    def _read(self, seconds: float) -> bool:
        """Whether its end is still to come."""
        if not select.select([self._ours], [], [], max(seconds, 0))[0]:
            return True
        try:
            data = os.read(self._ours, _CHUNK)
        except OSError:  # nobody has the other side any more
            return False
        self._written += data
        return bool(data)
