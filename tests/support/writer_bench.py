"""A writer on a store that the test opens and closes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from shothik_payment.domain.errors import StoreCorrupt
from shothik_payment.domain.ledger import commands as c
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.rules import Rules
from shothik_payment.domain.ledger.writer import LedgerWriter, WriterLimits
from shothik_payment.domain.model.grant import GrantSource
from shothik_payment.domain.ports.ledger_store import ChangeSet, Needs, Snapshot
from tests.support.ledger_state import LedgerState
from tests.support.world import PARAPHRASE, T0


class GatedStore:
    """Commits wait while `gate` is closed. `fail` and `lose` may spoil a commit; `unreadable` are
    users whose records nobody can read, `unwritable` those whose changes have no stored form."""

    def __init__(self) -> None:
        self.state = LedgerState()
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()
        self.loads: list[list[str]] = []
        self.commits: list[list[ChangeSet]] = []
        self.fail_load: Exception | None = None
        self.unreadable: set[str] = set()
        self.unwritable: set[str] = set()
        self.fail_commit: Exception | None = None
        self.lose: Callable[[ChangeSet], bool] = lambda change: False

    async def load(self, needs: Sequence[Needs]) -> list[Snapshot]:
        self.loads.append([need.user_id for need in needs])
        if self.fail_load is not None:
            raise self.fail_load
        if self.unreadable.intersection(self.loads[-1]):
            raise StoreCorrupt("A record in the data store cannot be read.")
        return [self.state.snapshot(need) for need in needs]

    async def commit(self, changes: Sequence[ChangeSet]) -> list[bool]:
        self.entered.set()
        await self.gate.wait()
        if self.fail_commit is not None:
            raise self.fail_commit
        if self.unwritable.intersection(change.wallet.user_id for change in changes):
            raise ValueError("year 10000 is out of range")
        self.commits.append(list(changes))
        return [not self.lose(change) and self.state.store(change) for change in changes]


class Bench:
    def __init__(self, **limits: Any) -> None:
        self.store = GatedStore()
        self.wakes = 0
        limits = {"retry_pause_seconds": 0} | limits
        self.writer = LedgerWriter(
            self.store,
            self._rules,
            self._fresh_rules,
            lambda: 0.5,
            WriterLimits(**limits),
            self._woken,
        )
        self.number = 0
        self.active = (PARAPHRASE,)
        self.bug: Exception | None = None

    def _rules(self) -> Rules:
        if self.bug is not None:
            raise self.bug
        return Rules(active_services=(PARAPHRASE,))

    async def _fresh_rules(self) -> Rules:
        return Rules(active_services=self.active)

    def _woken(self) -> None:
        self.wakes += 1

    def submit(self, kind: type[c.Command], user: str = "u1", **fields: Any) -> Any:
        self.number += 1
        return self.writer.submit(kind(id=f"{self.number:04d}", user_id=user, at=T0, **fields))

    def grant(self, amount: int, user: str = "u1") -> asyncio.Future[Outcome]:
        return self.submit(c.GrantCredits, user, amount=amount, source=GrantSource.PROMOTION)

    def deduct(self, amount: int, user: str = "u1", **fields: Any) -> asyncio.Future[Outcome]:
        return self.submit(c.Deduct, user, amount=amount, service=PARAPHRASE, **fields)

    async def busy(self, commands: int = 1) -> asyncio.Future[Outcome]:
        """A commit in flight that waits at the closed gate; its first answer."""
        self.store.gate.clear()
        self.store.entered.clear()
        first, *_ = [self.grant(1, "busy") for _ in range(commands)]
        await self.store.entered.wait()
        return first
