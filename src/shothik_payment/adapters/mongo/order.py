"""The order of commits."""

from __future__ import annotations

import time

from shothik_payment.domain.model.time import Millis


class CommitOrder:
    """Numbers that rise from commit to commit of this process, and from commit to commit of one
    user whichever process made them: the wallet carries the last one along, so a process whose
    clock is behind goes on from there. Where all clocks agree they are the time of the commit in
    microseconds, so over users they say what came first as well as the clocks know it."""

    def __init__(self) -> None:
        self._last = 0

    def saw(self, number: int) -> None:
        """A wallet with this number was read, and may be written next."""
        self._last = max(self._last, number)

    def next(self, at: Millis) -> int:
        """Not below the microseconds of `at`, which can be of another process's clock."""
        self._last = max(self._last + 1, time.time_ns() // 1000, at * 1000)
        return self._last
