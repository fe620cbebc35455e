"""One process that does what falls due of subscriptions, over a store that others use too."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from enum import StrEnum

from shothik_payment.domain.ledger.writer import LedgerWriter, WriterLimits
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.ports.gateway import GatewayReport
from shothik_payment.domain.ports.ledger_store import (
    ChangeSet,
    LedgerStore,
    Needs,
    Snapshot,
    Stored,
)
from shothik_payment.domain.use_cases.active_services import ActiveServices
from shothik_payment.domain.use_cases.api_keys import KeyAdministration
from shothik_payment.domain.use_cases.expiry_sweep import ExpirySweep
from shothik_payment.domain.use_cases.verify import Verify
from shothik_payment.domain.use_cases.wallet_views import WalletViews
from tests.contracts.bindings import StorePorts
from tests.support.service import CountedIds, HeldClock, ScriptedGateway, TestService


class Moment(StrEnum):
    """Where a process can end with half of its work done."""

    BEFORE_COMMIT = "a commit is not made"
    AFTER_COMMIT = "a commit is made, and not heard of"
    CHARGED = "a method is charged, and that is not recorded"


class Life:
    """`begun` is set when the process has come to the first such moment, `over` when it has ended
    at its third. What is outside of it sees nothing more of it from then on."""

    def __init__(self, ends: Moment | None = None) -> None:
        self.begun, self.over = asyncio.Event(), asyncio.Event()
        self._ends = ends
        self._left = 3

    async def at(self, moment: Moment) -> None:
        if moment is self._ends:
            self.begun.set()
            self._left -= 1
            if not self._left:
                self.over.set()
        await self.alive()

    async def alive(self) -> None:
        if self.over.is_set():
            await asyncio.Event().wait()


class MortalStore:
    def __init__(self, store: LedgerStore, life: Life) -> None:
        self._store = store
        self._life = life

    async def load(self, needs: Sequence[Needs]) -> list[Snapshot]:
        await self._life.alive()
        return await self._store.load(needs)

    async def commit(self, changes: Sequence[ChangeSet]) -> Sequence[Stored]:
        await self._life.at(Moment.BEFORE_COMMIT)
        stored = await self._store.commit(changes)
        await self._life.at(Moment.AFTER_COMMIT)
        return stored


class MortalGateway(ScriptedGateway):
    """One process's way to the `bank`, which all of them have in common."""

    def __init__(self, bank: ScriptedGateway, life: Life) -> None:
        super().__init__(recurring=True)
        self.on_file, self.states = bank.on_file, bank.states
        self.charge_asks, self.charged = bank.charge_asks, bank.charged
        self._life = life

    async def charge(self, payment: Payment) -> GatewayReport:
        await self._life.alive()
        await asyncio.sleep(0)
        report = await super().charge(payment)
        await self._life.at(Moment.CHARGED)
        return report


class Scheduler(TestService):
    """It looks at the users of all partitions, as if the leases that divide them did not hold."""

    __test__ = False

    def __init__(
        self, ports: StorePorts, bank: ScriptedGateway, ids: CountedIds, ends: Moment | None = None
    ) -> None:
        self.life = Life(ends)
        gateway = MortalGateway(bank, self.life)
        super().__init__(gateway)
        clock: HeldClock = self.clock
        self.ids = ids
        self.wallets, self.payments, self.history = ports.wallets, ports.payments, ports.history
        self.api_keys, self.inbox = ports.api_keys, ports.inbox
        self.active = ActiveServices(ports.api_keys, self.catalog)
        self.writer = LedgerWriter(
            MortalStore(ports.ledger, self.life),
            self.active.rules,
            self.active.fresh_rules,
            lambda: 0.5,
            WriterLimits(max_batch=4),
        )
        self.views = WalletViews(ports.wallets, self.active.rules, clock)
        self.keys = KeyAdministration(ports.api_keys, self.catalog, clock, ids)
        self.sweep = ExpirySweep(self.writer, ports.wallets, clock, ids)
        self.verify = Verify(ports.audit)
        self.use_gateways(gateway)
        self.writer.start()
