"""What a worker does without its supervisor: it would go on unseen, and hold the port."""

from __future__ import annotations

import os
import signal

import structlog

log = structlog.get_logger(__name__)


class SupervisorWatch:
    """Stops the process once `supervisor` is its parent no longer; it is gone `stop_seconds` later
    at the latest."""

    def __init__(self, supervisor: int, stop_seconds: int) -> None:
        self._supervisor = supervisor
        self._stop_seconds = stop_seconds
        self._stopping = False

    async def look(self) -> bool:
        if self._stopping or os.getppid() == self._supervisor:
            return False
        # Once: the server hears the first signal, has room for a second, and waits at the third for
        # ever, with the interpreter held, so that not even the requests under way go on.
        self._stopping = True
        log.error("the supervisor is gone; stopping")
        # Nobody is left who kills a worker that takes too long. The kernel does it whatever hangs;
        # a thread of ours would wait for the interpreter.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(self._stop_seconds)
        os.kill(os.getpid(), signal.SIGTERM)
        return False
