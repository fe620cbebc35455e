"""What many requests read at one time, in a few round trips."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from shothik_payment.domain.errors import Unavailable

K = TypeVar("K")
T = TypeVar("T")

MAX_TOGETHER = 128
"""Keys of one round trip."""
PATIENCE_SECONDS = 5.0
"""Who has waited so long for a round trip gets none."""


@dataclass(slots=True)
class _Asked(Generic[K, T]):
    key: K
    answer: asyncio.Future[T]
    patience_ends: float


class SharedReads(Generic[K, T]):
    """`read` brings what the keys stand for, in their order; up to `at_once` of its round trips are
    under way at one time, and the next one carries what was asked for meanwhile. Each begins after
    its keys were asked for, so it sees every commit made before that."""

    def __init__(
        self,
        read: Callable[[Sequence[K]], Awaitable[Sequence[T]]],
        *,
        at_once: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._at_once = at_once
        self._clock = clock
        self._waiting: deque[_Asked[K, T]] = deque()
        self._travelling: set[asyncio.Task[None]] = set()

    def get(self, key: K) -> asyncio.Future[T]:
        """Raises what the round trip raises, and Unavailable where none begins in time."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._waiting.append(_Asked(key, answer, self._clock() + PATIENCE_SECONDS))
        if len(self._travelling) < self._at_once:
            self._travelling.add(loop.create_task(self._travel(), name="shared-reads"))
        return answer

    async def _travel(self) -> None:
        try:
            while self._waiting:
                await self._answer(self._next())
        finally:
            # Not in a callback, which comes later: what is asked for until then would have no trip.
            self._travelling.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    def _next(self) -> list[_Asked[K, T]]:
        """Whoever went away is not read for, nor who has waited for too long: while the store is
        away each round trip takes its time, and the last would wait for all of them."""
        now = self._clock()
        taken: list[_Asked[K, T]] = []
        while self._waiting and len(taken) < MAX_TOGETHER:
            asked = self._waiting.popleft()
            if asked.patience_ends < now:
                _refuse(asked, Unavailable("The data store does not answer in time."))
            elif not asked.answer.done():
                taken.append(asked)
        return taken

    async def _answer(self, taken: Sequence[_Asked[K, T]]) -> None:
        if not taken:
            return
        try:
            found = await self._read([asked.key for asked in taken])
            for asked, value in zip(taken, found, strict=True):
                if not asked.answer.done():
                    asked.answer.set_result(value)
        except Exception as error:  # noqa: BLE001 handed to everybody who asked
            for asked in taken:
                _refuse(asked, error)
        except BaseException:  # the process ends
            for asked in taken:
                asked.answer.cancel()
            raise


def _refuse(asked: _Asked[K, T], error: Exception) -> None:
    if not asked.answer.done():
        asked.answer.set_exception(error)
