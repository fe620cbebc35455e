"""Random commands at random times, against a model that moves one credit at a time."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    multiple,
    rule,
)

from shothik_payment.domain.events import (
    CreditAdded,
    CreditDeducted,
    CreditRefunded,
    EventData,
    ServiceResumeUser,
    ServiceStopUser,
)
from shothik_payment.domain.ledger import commands as c
from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.machine import apply
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.model.grant import GrantSource
from shothik_payment.domain.model.transaction import Transaction
from tests.support.naive import HOURS_72, Lot, NaiveUser
from tests.support.world import PARAPHRASE, SLIDE, World, needs_of

USERS = st.sampled_from(["u1", "u2"])
SERVICES = st.sampled_from([PARAPHRASE, SLIDE])
AMOUNTS = st.integers(1, 12)
# Few and close together, so that ends coincide with commands and with one another.
SPANS = st.sampled_from([1, 2, 3, 5, 8, HOURS_72, HOURS_72 + 1])
STEPS = st.sampled_from([-5, -1, 0, 1, 2, 3, 10, HOURS_72 - 1, HOURS_72])
PAYMENTS = st.sampled_from(["pay_a", "pay_b"])


def tale(data: EventData) -> tuple[object, ...]:
    if isinstance(data, CreditDeducted):
        return (data.type, data.kind, data.amount)
    if isinstance(data, CreditAdded):
        return (data.type, data.amount, data.applied_to_debt)
    if isinstance(data, CreditRefunded):
        return (data.type, data.amount)
    if isinstance(data, ServiceStopUser | ServiceResumeUser):
        return (data.type, data.service)
    return (data.type,)


class LedgerMachine(RuleBasedStateMachine):
    spent = Bundle("spent")
    holds = Bundle("holds")

    @initialize()
    def begin(self) -> None:
        self.world = World()
        self.models = {user: NaiveUser((PARAPHRASE, SLIDE)) for user in ("u1", "u2")}
        self.replays: list[tuple[c.Command, Transaction]] = []
        self.commands: dict[str, list[c.Command]] = {"u1": [], "u2": []}

    def run(self, user: str, kind: type[c.Command], **fields: Any) -> tuple[Outcome, NaiveUser]:
        """Apply the command twice, to equal copies: the same must come of it. The model is left
        where the command's own act begins."""
        world = self.world
        world.user = user
        command = world.command(kind, **fields)
        command.request = c.RequestBinding(f"{user} {command.id}", command.id, b"f")
        self.commands[user].append(command)
        copy = Account(world.state.snapshot(needs_of([command])))
        again = apply(copy, command, world.rules)
        (outcome,) = world.batch(command)
        assert repr(again) == repr(outcome)
        assert repr(copy.change_set()) == repr(world.last_change)
        if outcome.transaction is not None:
            self.replays.append((command, outcome.transaction))
        model = self.models[user]
        model.begin(world.now)
        return outcome, model

    def compare(self, user: str, outcome: Outcome, refused: str | None) -> None:
        model = self.models[user]
        expected = model.end()
        assert (outcome.refusal.code if outcome.refusal else None) == refused
        stored = self.world.state.user(user)
        wallet = stored.wallet
        assert wallet.available == len(model.free())
        assert wallet.held == len(model.held())
        assert wallet.debt == model.debt
        assert {g.id: (g.available, g.held) for g in wallet.grants} == model.lots()
        assert {h.id: h.amount for h in wallet.holds.values()} == model.open_holds()
        assert bool(wallet.stops) == model.stopped()
        assert wallet.frozen == model.frozen
        change = self.world.last_change
        assert [tale(event.data) for event in (change.events if change else [])] == expected
        for service in (PARAPHRASE, SLIDE):
            words = [e.data.type for e in stored.events if getattr(e.data, "service", 0) == service]
            control = [word for word in words if word.startswith("service.")]
            stops, resumes = control[::2], control[1::2]
            assert set(stops) <= {"service.stop_user"}
            assert set(resumes) <= {"service.resume_user"}
            assert (len(control) % 2 == 1) == model.stopped()

    @rule(step=STEPS)
    def time_passes(self, step: int) -> None:
        self.world.now += step

    @rule(
        user=USERS,
        amount=AMOUNTS,
        span=st.none() | SPANS,
        priority=st.sampled_from([0, 0, 0, 1]),
        payment=st.none() | PAYMENTS,
    )
    def grant(
        self, user: str, amount: int, span: int | None, priority: int, payment: str | None
    ) -> None:
        # An end lies in the future of the wallet, which may be ahead of the clock.
        now = max(self.world.now, self.models[user].last)
        ends = None if span is None else now + span
        outcome, model = self.run(
            user,
            c.GrantCredits,
            amount=amount,
            source=GrantSource.PURCHASE,
            expires_at=ends,
            priority=priority,
            payment_id=payment,
        )
        assert outcome.transaction is not None
        new = outcome.transaction.parts[0].grant_id
        model.receive(amount, Lot(new, "purchase", priority, model.now, ends, payment))
        self.compare(user, outcome, None)

    @rule(user=USERS, amount=AMOUNTS | st.integers(-12, -1), span=st.none() | SPANS)
    def adjust(self, user: str, amount: int, span: int | None) -> None:
        now = max(self.world.now, self.models[user].last)
        ends = None if span is None or amount < 0 else now + span
        outcome, model = self.run(user, c.Adjust, amount=amount, reason="r", expires_at=ends)
        refused = None
        if amount < 0:
            refused = model.burn(-amount)
        else:
            assert outcome.transaction is not None
            new = outcome.transaction.parts[0].grant_id
            model.receive(amount, Lot(new, "adjustment", 0, model.now, ends))
        self.compare(user, outcome, refused)

    @rule(target=spent, user=USERS, service=SERVICES, amount=AMOUNTS)
    def deduct(self, user: str, service: str, amount: int) -> Any:
        outcome, model = self.run(user, c.Deduct, amount=amount, service=service)
        refused = model.can_spend(amount)
        row = outcome.transaction
        if refused is None and row is not None:
            model.deduct(row.id, service, amount)
        self.compare(user, outcome, refused)
        return (user, row.id, service) if row is not None else multiple()

    @rule(target=holds, user=USERS, service=SERVICES, amount=AMOUNTS, ttl=SPANS)
    def place_hold(self, user: str, service: str, amount: int, ttl: int) -> Any:
        outcome, model = self.run(user, c.PlaceHold, amount=amount, service=service, ttl_ms=ttl)
        refused = model.can_spend(amount)
        hold = outcome.hold
        if refused is None and hold is not None:
            model.place_hold(hold.id, service, amount, ttl)
        self.compare(user, outcome, refused)
        return (user, hold.id, service) if hold is not None else multiple()

    @rule(target=spent, hold=holds, amount=st.none() | AMOUNTS, strange=st.integers(0, 9))
    def capture(self, hold: tuple[str, str, str], amount: int | None, strange: int) -> Any:
        user, hold_id, service = hold
        caller = "research_service" if strange == 0 else service
        outcome, model = self.run(
            user, c.CaptureHold, hold_id=hold_id, service=caller, amount=amount
        )
        refused = model.cannot_end(hold_id, caller)
        if refused is None and amount is not None and amount > model.open_holds()[hold_id]:
            refused = "capture_exceeds_hold"
        row = outcome.transaction
        if refused is None and row is not None:
            model.capture(hold_id, row.id, amount)
        self.compare(user, outcome, refused)
        return (user, row.id, service) if row is not None else multiple()

    @rule(hold=holds)
    def release(self, hold: tuple[str, str, str]) -> None:
        user, hold_id, service = hold
        outcome, model = self.run(user, c.ReleaseHold, hold_id=hold_id, service=service)
        refused = model.cannot_end(hold_id, service)
        if refused is None:
            model.release(hold_id)
        self.compare(user, outcome, refused)

    @rule(row=spent, amount=st.none() | AMOUNTS, strange=st.integers(0, 9))
    def reverse(self, row: tuple[str, str, str], amount: int | None, strange: int) -> None:
        user, row_id, service = row
        caller = "research_service" if strange == 0 else service
        outcome, model = self.run(
            user, c.Reverse, transaction_id=row_id, service=caller, amount=amount
        )
        refused = model.cannot_reverse(row_id, caller, amount)
        if refused is None:
            grants = self.world.last_change.grants if self.world.last_change else []
            model.reverse(row_id, amount, grants[0].id if grants else "none")
        self.compare(user, outcome, refused)

    @rule(user=USERS, payment=PAYMENTS, amount=AMOUNTS, books_debt=st.booleans())
    def claw_back(self, user: str, payment: str, amount: int, books_debt: bool) -> None:
        outcome, model = self.run(
            user, c.Clawback, amount=amount, payment_id=payment, books_debt=books_debt
        )
        model.claw_back(payment, amount, books_debt)
        self.compare(user, outcome, None)

    @rule(user=USERS)
    def freeze_or_unfreeze(self, user: str) -> None:
        kind = c.Unfreeze if self.models[user].frozen else c.Freeze
        outcome, model = self.run(user, kind, reason="r")
        model.frozen = kind is c.Freeze
        self.compare(user, outcome, None)

    @rule(user=USERS)
    def expire(self, user: str) -> None:
        outcome, _ = self.run(user, c.Expire)
        self.compare(user, outcome, None)

    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """What was done is answered again, and nothing is done, however late it comes."""
        if not self.replays:
            return
        command, row = data.draw(st.sampled_from(self.replays))
        (outcome,) = self.world.batch(command)
        assert outcome.replayed
        assert outcome.transaction == row
        assert self.world.last_change is None

    def teardown(self) -> None:
        """The same commands in batches lead where they led one by one."""
        for user, commands in getattr(self, "commands", {}).items():
            batched = World()
            batch: list[c.Command] = []
            for command in commands:
                # What is reversed was answered before, so it was committed before.
                if batch and (len(batch) == 5 or isinstance(command, c.Reverse)):
                    batched.batch(*batch)
                    batch = []
                batch.append(command)
            if batch:
                batched.batch(*batch)
            one_by_one = self.world.state.user(user)
            batched.state.user(user).wallet.version = one_by_one.wallet.version
            assert repr(batched.state.user(user)) == repr(one_by_one)


LedgerMachine.TestCase.settings = settings(
    max_examples=80, stateful_step_count=40, deadline=None, print_blob=True
)
TestLedgerMachine = LedgerMachine.TestCase
