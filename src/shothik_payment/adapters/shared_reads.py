"""What many requests read at one time, in a few round trips."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar, cast

K = TypeVar("K")
T = TypeVar("T")

MAX_TOGETHER = 128
"""Keys of one round trip."""


class SharedReads(Generic[K, T]):
    """`read` brings what the keys stand for, in their order; up to `at_once` of its round trips are
    under way at one time, and the next one carries what was asked for meanwhile. Each begins after
    its keys were asked for, so it sees every commit made before that."""

    def __init__(
        self, read: Callable[[Sequence[K]], Awaitable[Sequence[T]]], *, at_once: int
    ) -> None:
        self._read = read
        self._at_once = at_once
        self._waiting: deque[tuple[K, asyncio.Future[T]]] = deque()
        self._travelling: set[asyncio.Task[None]] = set()

    def get(self, key: K) -> asyncio.Future[T]:
        """Raises what the round trip raises."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._waiting.append((key, answer))
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

    def _next(self) -> list[tuple[K, asyncio.Future[T]]]:
        waiting = self._waiting
        taken = [waiting.popleft() for _ in range(min(len(waiting), MAX_TOGETHER))]
        return [(key, answer) for key, answer in taken if not answer.done()]

    async def _answer(self, asked: Sequence[tuple[K, asyncio.Future[T]]]) -> None:
        """Whoever goes away meanwhile is not answered."""
        if not asked:
            return
        try:
            found = await self._read([key for key, _ in asked])
        except Exception as error:  # noqa: BLE001 handed to everybody who asked
            for _, answer in asked:
                if not answer.done():
                    answer.set_exception(error)
        except BaseException:  # the process ends
            for _, answer in asked:
                answer.cancel()
            raise
        else:
            for (_, answer), value in zip(asked, found, strict=True):
                if not answer.done():
                    answer.set_result(value)
