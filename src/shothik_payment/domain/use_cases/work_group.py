"""Sharing background work among any number of processes.

One document names the members and who owns which task. Each member beats: it reads the document,
moves its own counter, takes what is free up to its fair share, and stores it if nobody was faster.
A member whose counter stands still for the time to live is dropped by the others. Everybody
measures that with a clock of its own, so clocks that differ do no harm.

A process that stood still and wakes up may still do one step of a task that has moved meanwhile.
So a task has to bear being done twice; ownership only keeps that rare.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.ports.documents import Documents

_DOCUMENT = "group"
_ATTEMPTS = 10


@dataclass(slots=True)
class _Roll:
    """`beats`: by member, a counter that moves; `owners`: by task."""

    beats: dict[str, int] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def read(stored: bytes | None) -> _Roll:
        return _Roll() if stored is None else _Roll(**json.loads(stored))

    def written(self) -> bytes:
        return json.dumps({"beats": self.beats, "owners": self.owners}, sort_keys=True).encode()

    def owned_by(self, member: str) -> list[str]:
        return [task for task, owner in self.owners.items() if owner == member]

    def drop(self, member: str) -> None:
        self.beats.pop(member, None)
        for task in self.owned_by(member):
            del self.owners[task]


class WorkGroup:
    """This process as a member. `monotonic` gives seconds; `beat` is to be called every
    `beat_seconds`."""

    beat_seconds = 1.0

    def __init__(
        self,
        documents: Documents,
        member: str,
        tasks: Sequence[str],
        monotonic: Callable[[], float],
        ttl_seconds: float = 10.0,
    ) -> None:
        self._documents = documents
        self._member = member
        self._tasks = list(tasks)
        self._monotonic = monotonic
        self._ttl = ttl_seconds
        self._seen: dict[str, tuple[int, float]] = {}
        self._owned: frozenset[str] = frozenset()
        self._owned_until = 0.0
        self._at_work = asyncio.Lock()
        self._has_too_much = False
        self._left = False

    def owned(self) -> frozenset[str]:
        """The tasks that are this process's now; none once it could not beat for long."""
        return self._owned if self._monotonic() < self._owned_until else frozenset()

    def working(self) -> asyncio.Lock:
        """To be held during a step of a task: meanwhile the task is not given away."""
        return self._at_work

    async def beat(self) -> None:
        """Say that this process lives, and share the tasks anew. Raises Unavailable.

        What others should have is given away between two steps. A long one is waited for with the
        beats going on, or the others would take this process for dead and do its work as well.
        """
        await self._beat(giving=False)
        if not self._has_too_much:
            return
        try:
            async with asyncio.timeout(self.beat_seconds):
                await self._at_work.acquire()
        except TimeoutError:
            return  # until the next beat
        try:
            await self._beat(giving=True)
        finally:
            self._at_work.release()

    async def _beat(self, *, giving: bool) -> None:
        for _ in range(_ATTEMPTS):
            if self._left or await self._try_beat(giving):
                return
        raise Unavailable("The processes keep each other from sharing their work.")

    async def leave(self) -> None:
        """Give everything away at once. Raises Unavailable."""
        self._left = True
        self._owned = frozenset()
        for _ in range(_ATTEMPTS):
            stored = await self._documents.get(_DOCUMENT)
            roll = _Roll.read(stored)
            roll.drop(self._member)
            if await self._documents.replace(_DOCUMENT, stored, roll.written()):
                return

    async def _try_beat(self, giving: bool) -> bool:
        started = self._monotonic()
        stored = await self._documents.get(_DOCUMENT)
        roll = _Roll.read(stored)
        self._drop_the_silent(roll)
        roll.beats[self._member] = roll.beats.get(self._member, 0) + 1
        fair = -(-len(self._tasks) // len(roll.beats))
        own = roll.owned_by(self._member)
        self._has_too_much = len(own) > fair and not giving
        if len(own) > fair:
            return await self._keep(stored, roll, own[:fair] if giving else own, started)
        free = [task for task in self._tasks if task not in roll.owners]
        return await self._keep(stored, roll, own + free[: fair - len(own)], started)

    async def _keep(
        self, stored: bytes | None, roll: _Roll, wanted: list[str], started: float
    ) -> bool:
        for task in roll.owned_by(self._member):
            del roll.owners[task]
        roll.owners |= dict.fromkeys(wanted, self._member)
        if not await self._documents.replace(_DOCUMENT, stored, roll.written()):
            return False
        if not self._left:
            self._owned = frozenset(wanted)
            # Others wait for longer before they take it away.
            self._owned_until = started + self._ttl * 0.8
        return True

    def _drop_the_silent(self, roll: _Roll) -> None:
        now = self._monotonic()
        seen = {}
        for member, beat in list(roll.beats.items()):
            last, since = self._seen.get(member, (None, now))
            seen[member] = (beat, since if beat == last else now)
            if member != self._member and now - seen[member][1] > self._ttl:
                roll.drop(member)
        self._seen = seen
