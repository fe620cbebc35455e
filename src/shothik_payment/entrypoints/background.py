"""Background work of a process: loops that go on whatever fails, until they are stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter

import structlog

from shothik_payment.domain.errors import PaymentServiceError
from shothik_payment.domain.ports.observer import UNOBSERVED, Observer

log = structlog.get_logger(__name__)

_FIRST_BACK_OFF_SECONDS = 0.2
_MAX_BACK_OFF_SECONDS = 3.0
_STOP_SECONDS = 5.0
_REST_SHARE = 4


@dataclass(frozen=True, slots=True)
class Chore:
    """Work that comes again and again.

    `step` does a part and says whether there is more to do at once. That is after four times as
    long as the part took, at most `rest_seconds`: so much room is left to others. Otherwise it is
    called again after `every_seconds`, or when `wake` is set, but never sooner than `pause_seconds`
    after its last call: so a busy waker is served in batches. `only_waits`: a step may be cut off
    at once.
    """

    name: str
    step: Callable[[], Awaitable[bool]]
    every_seconds: float
    wake: asyncio.Event | None = None
    pause_seconds: float = 0.0
    only_waits: bool = False
    rest_seconds: float = 0.0


class Background:
    def __init__(self, chores: Sequence[Chore], observer: Observer = UNOBSERVED) -> None:
        self._chores = chores
        self._observer = observer
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._run(c), name=c.name) for c in self._chores]

    async def stop(self) -> None:
        """Let each chore end its step, for five seconds at most."""
        self._stopping.set()
        if not self._tasks:
            return
        for chore, task in zip(self._chores, self._tasks, strict=True):
            if chore.only_waits:
                task.cancel()
        _, late = await asyncio.wait(self._tasks, timeout=_STOP_SECONDS)
        for task in late:
            log.warning("background work did not end in time", work=task.get_name())
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _run(self, chore: Chore) -> None:
        back_off = 0.0
        while not self._stopping.is_set():
            begun = perf_counter()
            try:
                more = await chore.step()
            except Exception as error:  # noqa: BLE001 logged; the chore comes again
                back_off = min(back_off * 2 or _FIRST_BACK_OFF_SECONDS, _MAX_BACK_OFF_SECONDS)
                self._observer.failed(chore.name)
                _log_failure(chore.name, error, back_off)
                await self._sleep(back_off)
                continue
            if back_off:
                log.info("background work goes on", work=chore.name)
            back_off = 0.0
            if more:
                rest = _REST_SHARE * (perf_counter() - begun)
                await self._sleep(min(rest, chore.rest_seconds))
            else:
                await self._sleep(chore.pause_seconds)
                await self._sleep(chore.every_seconds - chore.pause_seconds, chore.wake)

    async def _sleep(self, seconds: float, wake: asyncio.Event | None = None) -> None:
        if seconds <= 0 or self._stopping.is_set():
            return
        events = [self._stopping, *([wake] if wake is not None else [])]
        waits = [asyncio.ensure_future(event.wait()) for event in events]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*waits, return_exceptions=True)
        if wake is not None:
            wake.clear()


def _log_failure(name: str, error: Exception, back_off: float) -> None:
    # An error of the domain says in words what is wrong; of any other its place must be known.
    expected = isinstance(error, PaymentServiceError)
    log.error(
        "background work failed",
        work=name,
        error=str(error),
        again_in_seconds=back_off,
        exc_info=None if expected else error,
    )
