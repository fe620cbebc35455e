"""A ledger store that fails the way stores do, driven by a seed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.ports.ledger_store import ChangeSet, Needs, Snapshot
from tests.support.ledger_state import LedgerState


class Crash(BaseException):
    """The process is gone: nothing in it may catch this and go on."""


@dataclass
class Faults:
    """How likely each fault is, from 0 to 1."""

    load_fails: float = 0.0
    commit_refused: float = 0.0
    commit_answer_lost: float = 0.0
    conflict: float = 0.0
    crash: float = 0.0
    turns: int = 3


class FaultyStore:
    """One process's connection to the stored state. `died` is set when the process crashes."""

    def __init__(self, state: LedgerState, random: Random, faults: Faults) -> None:
        self._state = state
        self._random = random
        self.faults = faults
        self.died = asyncio.Event()
        self.commits = 0
        self.largest_batch = 0

    def _happens(self, chance: float) -> bool:
        return self._random.random() < chance

    async def _time_passes(self) -> None:
        for _ in range(self._random.randint(0, self.faults.turns)):
            await asyncio.sleep(0)
        if self._happens(self.faults.crash):
            self.died.set()
            raise Crash

    async def load(self, needs: Sequence[Needs]) -> list[Snapshot]:
        await self._time_passes()
        if self._happens(self.faults.load_fails):
            raise Unavailable("The store is away.")
        snapshots = [self._state.snapshot(need) for need in needs]
        await self._time_passes()
        return snapshots

    async def commit(self, changes: Sequence[ChangeSet]) -> list[bool]:
        await self._time_passes()
        if self._happens(self.faults.commit_refused):
            raise Unavailable("The store is read-only.")
        stored = [not self._happens(self.faults.conflict) and self._state.store(c) for c in changes]
        self.commits += 1
        self.largest_batch = max(self.largest_batch, sum(len(c.transactions) for c in changes))
        await self._time_passes()
        if self._happens(self.faults.commit_answer_lost):
            raise Unavailable("The connection was lost.")
        return stored
