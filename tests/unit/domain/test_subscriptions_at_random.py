"""Random commands, payments and jumps of time; after each of them the laws are checked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from shothik_payment.domain.catalog import Catalog
from shothik_payment.domain.errors import PaymentServiceError
from shothik_payment.domain.model.payment import OPEN_STATUSES, PaymentStatus
from shothik_payment.domain.model.subscription import (
    RUNNING_STATUSES,
    Subscription,
    SubscriptionStatus,
)
from shothik_payment.domain.model.time import DAY, HOUR
from shothik_payment.domain.ports.gateway import GatewayState
from tests.support.service import CATALOG, TestService
from tests.support.subscriber import LITTLE_FOR_FREE, PARAPHRASE, SLIDE, Subscriber
from tests.support.subscription_laws import Laws

PLANS = st.sampled_from(["lite", "pro", "trial", "pro_yearly", "slides", "gift", "free"])
SLUGS = st.sampled_from([PARAPHRASE, SLIDE])
JUMPS = st.sampled_from([HOUR, 5 * HOUR, DAY, 3 * DAY, 9 * DAY, 15 * DAY, 31 * DAY, 92 * DAY])
LATE = (PaymentStatus.EXPIRED, PaymentStatus.CANCELLED, PaymentStatus.FAILED)
LASTING = (
    SubscriptionStatus.ACTIVE,
    SubscriptionStatus.TRIALING,
    SubscriptionStatus.PAUSED,
)


class SubscriptionMachine(RuleBasedStateMachine):
    @initialize(
        start=st.sampled_from(["2026-01-31", "2024-02-29", "2025-12-31T23:30"]),
        catalog=st.sampled_from([CATALOG, LITTLE_FOR_FREE]),
        plan=st.sampled_from(["lite", "lite", "pro", "pro", "pro_yearly", "slides", "gift"]),
        method=st.booleans(),
    )
    def begin(self, start: str, catalog: Catalog, plan: str, method: bool) -> None:
        self.runner = asyncio.Runner()
        self.holds: list[tuple[str, str]] = []
        self.spent: list[tuple[str, str]] = []
        self.frozen = self.away = False
        self.run(self._begin(start, catalog))
        self.have(plan, pays=True)
        if not method:
            self.user.gateway.on_file.clear()

    async def _begin(self, start: str, catalog: Catalog) -> None:
        self.service = TestService(catalog=catalog)
        self.service.writer.start()
        self.user = await Subscriber.begin(self.service, start)
        self.laws = Laws(self.user)

    def run(self, doing: Awaitable[Any]) -> Any:
        """Its result; None where it is refused. Two things never happen at one time."""

        async def bounded() -> Any:
            async with asyncio.timeout(60):
                try:
                    return await doing
                except PaymentServiceError:
                    return None

        if hasattr(self, "service"):
            self.service.clock.advance(1)
        return self.runner.run(bounded())

    @property
    def subscription(self) -> Subscription | None:
        subscription: Subscription | None = self.wallet().subscription
        return None if subscription is None or subscription.ended else subscription

    def wallet(self) -> Any:
        return self.runner.run(self.service.wallets.get(self.user.user))

    def in_status(self, *statuses: SubscriptionStatus) -> bool:
        return self.subscription is not None and self.subscription.status in statuses

    # The user

    @precondition(lambda self: self.subscription is None)
    @rule(plan=PLANS, pays=st.booleans())
    def subscribe(self, plan: str, pays: bool) -> None:
        self.have(plan, pays=pays)

    def have(self, plan: str, *, pays: bool) -> None:
        view = self.run(self.user.subscribe(plan))
        if pays and not self.away and view is not None and view.payment is not None:
            if view.payment.paid is None:
                self.run(self.service.pay(view.payment))
            self.user.save_card()

    @precondition(lambda self: self.in_status(*RUNNING_STATUSES))
    @rule(plan=PLANS)
    def change(self, plan: str) -> None:
        self.run(self.user.change(plan))

    @precondition(lambda self: self.subscription is not None)
    @rule(now=st.sampled_from([False, False, True]))
    def cancel(self, now: bool) -> None:
        self.run(self.user.cancel(now=now))

    @precondition(lambda self: self.subscription is not None)
    @rule()
    def keep(self) -> None:
        self.run(self.user.keep())

    @precondition(lambda self: self.in_status(SubscriptionStatus.ACTIVE))
    @rule()
    def pause(self) -> None:
        self.run(self.user.pause())

    @precondition(lambda self: self.in_status(SubscriptionStatus.PAUSED))
    @rule()
    def resume(self) -> None:
        self.run(self.user.resume())

    @precondition(lambda self: self.in_status(SubscriptionStatus.PAST_DUE))
    @rule()
    def ask_for_a_link(self) -> None:
        self.run(self.user.pay_renewal())

    @rule(what=st.sampled_from(["subscribe", "change", "pause", "resume", "pay_renewal", "keep"]))
    def out_of_place(self, what: str) -> None:
        plan = ("pro",) if what in ("subscribe", "change") else ()
        self.run(getattr(self.user, what)(*plan))

    @precondition(lambda self: not self.away)
    @rule(data=st.data())
    def pay(self, data: st.DataObject) -> None:
        """In any checkout that is or was open; some gateways take money late."""
        links = [
            p
            for p in self.run(self.user.payments())
            if p.payment_url is not None and p.paid is None and p.status in (*OPEN_STATUSES, *LATE)
        ]
        if links:
            self.run(self.service.pay(data.draw(st.sampled_from(links))))

    @rule()
    def checkout_ends_unpaid(self) -> None:
        for payment in self.run(self.user.payments()):
            if payment.status is PaymentStatus.PENDING and not payment.off_session:
                self.user.gateway.says(payment, GatewayState.EXPIRED)
                self.run(self.service.hear(payment))

    @rule(saved=st.booleans(), declines=st.sampled_from([0, 1, 2, 9]))
    def method(self, saved: bool, declines: int) -> None:
        on_file = self.user.gateway.on_file
        (on_file.add if saved else on_file.discard)(self.user.user)
        self.user.gateway.declines[self.user.user] = declines

    @rule(away=st.booleans())
    def gateway(self, away: bool) -> None:
        self.away = away
        (self.user.gateway.away if away else self.user.gateway.back)()
        self.service.clock.advance(61_000)  # whom it has not answered leaves it alone for a minute

    # Services

    @rule(slug=SLUGS, amount=st.integers(1, 60))
    def deduct(self, slug: str, amount: int) -> None:
        done = self.run(self.user.spend(amount, slug))
        if done is not None:
            self.spent.append((slug, done))

    @rule(slug=SLUGS, amount=st.integers(1, 60))
    def hold(self, slug: str, amount: int) -> None:
        done = self.run(self.user.hold(amount, slug))
        if done is not None:
            self.holds.append((slug, done))

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), amount=st.none() | st.integers(1, 20))
    def capture(self, data: st.DataObject, amount: int | None) -> None:
        slug, hold = data.draw(st.sampled_from(self.holds))
        done = self.run(self.user.capture(hold, slug, amount))
        if done is not None:
            self.spent.append((slug, done))

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        slug, hold = data.draw(st.sampled_from(self.holds))
        self.run(self.service.spend.release(self.service.caller(slug), hold))

    @precondition(lambda self: self.spent)
    @rule(data=st.data(), amount=st.none() | st.integers(1, 20))
    def reverse(self, data: st.DataObject, amount: int | None) -> None:
        slug, row = data.draw(st.sampled_from(self.spent))
        self.run(self.user.reverse(row, slug, amount))

    # Admins

    @precondition(lambda self: self.in_status(*RUNNING_STATUSES))
    @rule(days=st.integers(1, 20))
    def extend(self, days: int) -> None:
        self.run(self.service.subscriptions.extend(self.user.user, days, "sorry"))

    @precondition(lambda self: self.subscription is None)
    @rule(plan=st.sampled_from(["lite", "pro"]), days=st.none() | st.integers(1, 40))
    def give(self, plan: str, days: int | None) -> None:
        ends = None if days is None else self.service.clock.time + days * DAY
        view = self.run(self.user.give(plan, ends))
        if view is not None:
            self.laws.given.add(view.subscription.id)

    @rule()
    def freeze_or_unfreeze(self) -> None:
        self.run(self.user.unfreeze() if self.frozen else self.user.freeze())
        self.frozen = not self.frozen

    @rule(amount=st.none() | st.integers(1, 500), data=st.data())
    def refund(self, amount: int | None, data: st.DataObject) -> None:
        paid = [p for p in self.run(self.user.payments()) if p.paid is not None]
        if paid:
            payment = data.draw(st.sampled_from(paid))
            self.run(self.user.refund(payment, amount))

    # Time

    @rule(jump=JUMPS)
    def time_passes(self, jump: int) -> None:
        """With a scheduler that is always there."""
        self.run(self.user.until(self.service.clock.time + jump))

    @rule(jump=JUMPS)
    def nobody_looks(self, jump: int) -> None:
        """And then catches up; or the next command does."""
        self.service.clock.advance(jump)

    @rule()
    def catch_up(self) -> None:
        self.run(self.service.do_due())
        due = self.wallet().next_due()
        assert due is None or due > self.service.clock.time

    @invariant()
    def laws_hold(self) -> None:
        if hasattr(self, "laws"):
            self.run(self.laws.check())

    def teardown(self) -> None:
        """Once all is well again nothing stays undone."""
        if not hasattr(self, "laws"):
            return
        try:
            self.user.gateway.back()
            self.user.gateway.declines.clear()
            self.user.save_card()
            self.run(self.user.days(40))
            self.run(self.laws.check())
            if (subscription := self.subscription) is not None:
                assert subscription.status in LASTING
                paused = subscription.status is SubscriptionStatus.PAUSED
                assert paused or subscription.period_end > self.service.clock.time
        finally:
            self.runner.run(self.service.writer.stop())
            self.runner.close()


SubscriptionMachine.TestCase.settings = settings(
    max_examples=15, stateful_step_count=40, deadline=None, print_blob=True
)
TestSubscriptionMachine = SubscriptionMachine.TestCase
