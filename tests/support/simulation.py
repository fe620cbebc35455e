"""Clients, processes and a store that all misbehave, in an order that one seed decides."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from shothik_payment.domain.errors import PaymentServiceError, Unavailable
from shothik_payment.domain.ledger import commands as c
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.rules import Rules
from shothik_payment.domain.ledger.writer import LedgerWriter, WriterLimits
from shothik_payment.domain.model.grant import GrantSource
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.transaction import Transaction
from tests.support.faulty_store import Crash, Faults, FaultyStore
from tests.support.ledger_state import LedgerState

SERVICE = "paraphrase_service"
LIMITS = WriterLimits(max_batch=8, max_queue=10, max_attempts=5, retry_pause_seconds=0)


RULES = Rules(active_services=(SERVICE,))


class Process:
    """One running service: a writer with its own connection to the shared state."""

    def __init__(self, state: LedgerState, random: Random, faults: Faults) -> None:
        self.store = FaultyStore(state, random, faults)
        self.writer = LedgerWriter(
            self.store, lambda: RULES, self._fresh_rules, random.random, LIMITS
        )
        self.writer.start()

    async def _fresh_rules(self) -> Rules:
        return RULES

    async def ask(self, command: c.Command) -> Outcome | None:
        """The outcome; None where the process died before it answered."""
        answer = self.writer.submit(command)
        died = asyncio.ensure_future(self.store.died.wait())
        try:
            await asyncio.wait({answer, died}, return_when=asyncio.FIRST_COMPLETED)
            return await answer if answer.done() else None
        finally:
            died.cancel()
            answer.cancel()

    async def stop(self) -> None:
        try:
            await self.writer.stop()
        except* Crash:
            pass  # whatever was in flight went with it


@dataclass
class Answered:
    user: str
    key: str
    row: Transaction


@dataclass
class Simulation:
    """`answered`: what clients were told is done. They repeat with one key until they hear."""

    seed: int
    users: int = 3
    clients: int = 8
    requests: int = 6
    processes: int = 2
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.state = LedgerState()
        self.now = 1_000_000
        self.answered: list[Answered] = []
        self.overloaded = 0
        self.crashes = 0
        self.commands = 0

    async def run(self) -> None:
        self.running = [self._process() for _ in range(self.processes)]
        await asyncio.gather(*(self._client(number) for number in range(self.clients)))
        for process in self.running:
            process.store.faults = Faults()
            await process.stop()
            if not process.store.died.is_set():
                assert process.writer.unanswered == 0
            assert process.store.largest_batch <= 4 * LIMITS.max_batch
        self.check()

    def _process(self) -> Process:
        return Process(self.state, self.random, self.faults)

    async def _pick(self) -> Process:
        """A living process; a dead one is replaced by a new one on the same stored state."""
        index = self.random.randrange(len(self.running))
        process = self.running[index]
        if process.store.died.is_set():
            await process.stop()
            if self.running[index] is process:
                self.crashes += 1
                self.running[index] = self._process()
        return self.running[index]

    async def _client(self, number: int) -> None:
        own: list[tuple[str, Outcome]] = []
        for request in range(self.requests):
            user = f"u{self.random.randrange(self.users)}"
            key = f"{number}-{request}"
            kind, fields = self._wish(user, own)
            outcome = await self._until_answered(user, key, kind, fields)
            if outcome is not None and outcome.transaction is not None:
                own.append((user, outcome))
                self.answered.append(Answered(user, key, outcome.transaction))
                if self.random.random() < 0.3:
                    again = await self._until_answered(user, key, kind, fields)
                    assert again is not None
                    assert again.replayed
                    assert again.transaction == outcome.transaction

    def _wish(
        self, user: str, own: list[tuple[str, Outcome]]
    ) -> tuple[type[c.Command], dict[str, Any]]:
        """What a client asks for: mostly deductions, and to end what it has begun."""
        amount = self.random.randint(1, 9)
        mine = [outcome for owner, outcome in own if owner == user]
        dice = self.random.random()
        if mine and dice < 0.4:
            last = mine[-1]
            row = last.transaction
            if last.hold is not None and row is not None and row.kind == "hold":
                kind = c.CaptureHold if dice < 0.25 else c.ReleaseHold
                return kind, {"hold_id": last.hold.id, "service": SERVICE}
            if row is not None:
                return c.Reverse, {"transaction_id": row.id, "service": SERVICE, "amount": 1}
        if dice < 0.6:
            ends = Millis(self.now + self.random.randint(1, 60))
            return c.GrantCredits, {
                "amount": amount,
                "source": GrantSource.PROMOTION,
                "expires_at": ends if dice < 0.5 else None,
            }
        if dice < 0.75:
            return c.PlaceHold, {"amount": amount, "service": SERVICE, "ttl_ms": 30}
        return c.Deduct, {"amount": amount, "service": SERVICE}

    async def _until_answered(
        self, user: str, key: str, kind: type[c.Command], fields: dict[str, Any]
    ) -> Outcome | None:
        """Repeat under the same key until it is done, or refused for good: then None."""
        for _ in range(300):
            self.commands += 1
            self.now += self.random.randint(-2, 4)
            command = kind(
                id=f"{self.commands:05d}",
                user_id=user,
                at=Millis(self.now),
                request=c.RequestBinding(key, key, kind.__name__.encode()),
                **fields,
            )
            process = await self._pick()
            try:
                asking = asyncio.ensure_future(process.ask(command))
                if self.random.random() < 0.1:
                    await self._go_away(asking)
                    continue
                outcome = await asking
            except Unavailable:
                self.overloaded += process.writer.full()
                await asyncio.sleep(0)
                continue
            except PaymentServiceError:
                return None
            if outcome is not None:
                return outcome
        raise AssertionError(f"{key} was never answered")

    async def _go_away(self, asking: asyncio.Future[Outcome | None]) -> None:
        """The client hangs up after a while; what it asked for may be done all the same."""
        for _ in range(self.random.randint(0, 4)):
            await asyncio.sleep(0)
        asking.cancel()
        with suppress(asyncio.CancelledError, PaymentServiceError):
            await asking

    def check(self) -> None:
        for user in self.state.users:
            self.state.check(user)
        for answered in self.answered:
            rows = self.state.user(answered.user).rows
            assert [row for row in rows if row.request_key == answered.key] == [answered.row]
