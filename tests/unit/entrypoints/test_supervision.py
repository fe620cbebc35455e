"""A worker whose supervisor was killed is gone in the end, even if it cannot stop."""

from __future__ import annotations

import signal
import subprocess
import sys

HANGS = """
import asyncio, ctypes, signal
from shothik_payment.entrypoints.supervision import SupervisorWatch

# As a stop that hangs in foreign code: it keeps the interpreter's lock, so no thread runs.
signal.signal(signal.SIGTERM, lambda *_: ctypes.PyDLL(None).sleep(60))
NOBODY = -1
asyncio.run(SupervisorWatch(NOBODY, stop_seconds=1).look())
"""


def test_a_stop_that_hangs_is_ended_by_the_kernel() -> None:
    ended = subprocess.run([sys.executable, "-c", HANGS], timeout=20, capture_output=True)
    assert ended.returncode == -signal.SIGALRM, ended.stderr.decode()
    assert b"the supervisor is gone" in ended.stdout + ended.stderr
