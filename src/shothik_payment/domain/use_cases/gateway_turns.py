"""Asking a gateway about many payments: a few at a time, and not while it is silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from shothik_payment.domain.errors import CallUnderWay, Unavailable
from shothik_payment.domain.model.time import SECOND, Millis
from shothik_payment.domain.ports.clock import Clock

T = TypeVar("T")

AT_ONCE = 4
SILENT_AFTER = 3
SILENT_MS = 60 * SECOND
PACE_SECONDS = 1 / 50
"""Each gateway is asked about at most so many payments a second."""


class LeftAlone(Exception):
    """The gateway has not answered lately, and was not asked."""


def _room() -> asyncio.Semaphore:
    return asyncio.Semaphore(AT_ONCE)


@dataclass(slots=True)
class _Gateway:
    room: asyncio.Semaphore = field(default_factory=_room)
    prompt_room: asyncio.Semaphore = field(default_factory=_room)
    unanswered: int = 0
    silent_until: Millis = Millis(0)
    next_turn_at: float = 0.0


class GatewayTurns:
    """Each gateway has turns of its own, so that one that hangs holds up no other. After a few
    calls in a row without an answer it is left alone for a while. Prompt turns are kept for what
    somebody waits for, so that it never stands behind a batch of what fell due.

    Between the beginnings of two turns are `pace_seconds` at least, whatever there is to do: what
    comes of them is booked one by one, and no request waits behind many."""

    def __init__(self, clock: Clock, pace_seconds: float = 0.0) -> None:
        self._clock = clock
        self._pace_seconds = pace_seconds
        self._gateways: dict[str, _Gateway] = {}

    @asynccontextmanager
    async def turn(self, name: str, *, prompt: bool = False) -> AsyncIterator[None]:
        """Raises LeftAlone."""
        gateway = self._gateways.setdefault(name, _Gateway())
        async with gateway.prompt_room if prompt else gateway.room:
            if self.silent_until(name) is not None:
                raise LeftAlone(name)
            await self._in_pace(gateway)
            yield

    def silent_until(self, name: str) -> Millis | None:
        """For how long the gateway is left alone; None: it may be asked."""
        gateway = self._gateways.get(name)
        if gateway is None or not 0 < gateway.silent_until - self._clock.now() <= SILENT_MS:
            return None
        return gateway.silent_until

    async def _in_pace(self, gateway: _Gateway) -> None:
        now = asyncio.get_running_loop().time()
        wait = gateway.next_turn_at - now
        gateway.next_turn_at = max(gateway.next_turn_at, now) + self._pace_seconds
        if wait > 0:
            await asyncio.sleep(wait)

    async def ask(self, name: str, call: Awaitable[T]) -> T:
        """The gateway's answer, inside a turn; `call` asks nothing else, since whatever does not
        answer in it is taken for the gateway. Raises what the call does."""
        gateway = self._gateways.setdefault(name, _Gateway())
        try:
            answer = await call
        except CallUnderWay:
            gateway.unanswered = 0
            raise
        except Unavailable:
            gateway.unanswered += 1
            if gateway.unanswered >= SILENT_AFTER:
                gateway.silent_until = Millis(self._clock.now() + SILENT_MS)
                gateway.unanswered = 0
            raise
        gateway.unanswered = 0
        return answer
