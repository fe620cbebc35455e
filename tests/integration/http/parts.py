"""Adapters that the tests can hold back, count or break."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from shothik_payment.adapters.memory.api_keys import MemoryApiKeys
from shothik_payment.adapters.memory.ledger_store import MemoryLedgerStore
from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.adapters.sandbox import SandboxGateway
from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.model.payment import Payment, Refund
from shothik_payment.domain.ports.api_keys import KeyChange
from shothik_payment.domain.ports.gateway import Checkout, GatewayRefund, GatewayReport
from shothik_payment.domain.ports.ledger_store import ChangeSet, RequestRecord


class _LosesAnswers:
    """Of the commits from now on, the one with the number `lost_answer` is stored, and nobody hears
    of it. 0: none."""

    lost_answer = 0

    def _answer(self) -> None:
        self.lost_answer -= 1
        if self.lost_answer == 0:
            raise Unavailable("The data store went away during a commit.")


class ForgetfulKeys(_LosesAnswers, MemoryApiKeys):
    async def commit(self, change: KeyChange) -> RequestRecord | None:
        done = await super().commit(change)
        self._answer()
        return done


class GatedStore(_LosesAnswers, MemoryLedgerStore):
    """Commits wait while `gate` is closed, so that requests pile up in flight."""

    def __init__(self, state: MemoryState) -> None:
        super().__init__(state)
        self.gate = asyncio.Event()
        self.gate.set()
        self.waiting = asyncio.Event()

    async def commit(self, changes: Sequence[ChangeSet]) -> list[bool]:
        self.waiting.set()
        await self.gate.wait()
        stored = await super().commit(changes)
        self._answer()
        return stored


class CountedGateway(SandboxGateway):
    """`started`: how often it was asked for a checkout. `refund_fails`: what it says to the next
    refunds; `charge_fails` and `checkout_fails` to all that come."""

    started = 0
    charge_fails: Exception | None = None
    checkout_fails: Exception | None = None

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.refund_fails: list[Exception] = []

    async def refund(self, payment: Payment, refund: Refund) -> GatewayRefund:
        if self.refund_fails:
            raise self.refund_fails.pop(0)
        return await super().refund(payment, refund)

    async def start_checkout(self, payment: Payment) -> Checkout:
        self.started += 1
        if self.checkout_fails is not None:
            raise self.checkout_fails
        return await super().start_checkout(payment)

    async def charge(self, payment: Payment) -> GatewayReport:
        if self.charge_fails is not None:
            raise self.charge_fails
        return await super().charge(payment)
