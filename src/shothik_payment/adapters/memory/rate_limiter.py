from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from shothik_payment.adapters.memory.ready import Ready
from shothik_payment.domain.model.time import SECOND
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.rate_limiter import RateDecision

SLICES = 60
MAX_SUBJECTS = 100_000


@dataclass(slots=True)
class _Counted:
    """`slices` holds [index, requests], oldest first; `total` is their sum."""

    slices: deque[list[int]] = field(default_factory=deque)
    total: int = 0

    def drop_before(self, index: int) -> None:
        """Leave what is still in the window as of that slice."""
        slices = self.slices
        while slices and slices[0][0] < index - SLICES:
            self.total -= slices.popleft()[1]
        ahead = slices[-1][0] - index if slices else 0
        if ahead > 0:  # the clock was set back: what was counted is as old as it was
            for counted_slice in slices:
                counted_slice[0] -= ahead


class MemoryRateLimiter:
    """Counts in slices of a sixtieth of the window.

    A slice counts until its last moment has left the window, so no window ever sees more than
    the limit; a caller may have to wait one slice longer than the window. Memory and time do not
    grow with the limit, as they would with a log of every request. The subjects seen last are
    remembered.
    """

    def __init__(self, clock: Clock, max_subjects: int = MAX_SUBJECTS) -> None:
        self._clock = clock
        self._max_subjects = max_subjects
        self._subjects: OrderedDict[tuple[str, int], _Counted] = OrderedDict()

    def hit(self, subject: str, limit: int, window_seconds: int) -> Ready[RateDecision]:
        slice_ms = _slice_ms(window_seconds)
        now = self._clock.now()
        index = now // slice_ms
        counted = self._counted(subject, window_seconds)
        slices = counted.slices
        counted.drop_before(index)
        allowed = counted.total < limit
        if allowed:
            counted.total += 1
            if slices and slices[-1][0] == index:
                slices[-1][1] += 1
            else:
                slices.append([index, 1])
        oldest = slices[0][0] if slices else index
        reset_ms = (oldest + SLICES + 1) * slice_ms - now
        remaining = max(limit - counted.total, 0)
        reset_seconds = -(-reset_ms // SECOND)
        return Ready(RateDecision(allowed, limit, remaining, window_seconds, reset_seconds))

    def remaining(self, subject: str, limit: int, window_seconds: int) -> Ready[int | None]:
        counted = self._subjects.get((subject, window_seconds))
        if counted is None:
            return Ready(limit)
        counted.drop_before(self._clock.now() // _slice_ms(window_seconds))
        return Ready(max(limit - counted.total, 0))

    def _counted(self, subject: str, window_seconds: int) -> _Counted:
        key = (subject, window_seconds)
        counted = self._subjects.get(key)
        if counted is None:
            counted = self._subjects[key] = _Counted()
            if len(self._subjects) > self._max_subjects:
                self._subjects.popitem(last=False)
        else:
            self._subjects.move_to_end(key)
        return counted


def _slice_ms(window_seconds: int) -> int:
    return -(-window_seconds * SECOND // SLICES)
