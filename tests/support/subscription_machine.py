"""Random commands, payments and jumps of time; after each of them the laws are checked."""

from __future__ import annotations

import asyncio

from hypothesis import strategies as st
from hypothesis.stateful import (
    precondition,
    rule,
)

from shothik_payment.domain.model.payment import OPEN_STATUSES, Payment, PaymentStatus
from shothik_payment.domain.model.subscription import (
    RUNNING_STATUSES,
    SubscriptionStatus,
)
from shothik_payment.domain.model.time import DAY, HOUR
from shothik_payment.domain.ports.gateway import GatewayState
from tests.support.subscriber import SLIDE
from tests.support.subscription_walker import Walker, or_refused

PLANS = st.sampled_from(["lite", "pro", "trial", "pro_yearly", "slides", "gift", "free"])
ACTS = st.sampled_from(
    [
        *("subscribe", "change", "cancel", "cancel now", "keep", "pause", "resume"),
        *("pay_renewal", "extend", "pay a link", "what is due", "deduct"),
    ]
)
JUMPS = st.sampled_from([HOUR, 5 * HOUR, DAY, 3 * DAY, 9 * DAY, 15 * DAY, 31 * DAY, 92 * DAY])
LATE = (PaymentStatus.EXPIRED, PaymentStatus.CANCELLED, PaymentStatus.FAILED)
LASTING = (
    SubscriptionStatus.ACTIVE,
    SubscriptionStatus.TRIALING,
    SubscriptionStatus.PAUSED,
)


class SubscriptionMachine(Walker):
    # The user

    @precondition(lambda self: self.subscription is None)
    @rule(plan=PLANS, pays=st.booleans())
    def subscribe(self, plan: str, pays: bool) -> None:
        self.have(plan, pays=pays)

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

    @rule(first=ACTS, second=ACTS, plan=PLANS)
    def two_at_once(self, first: str, second: str, plan: str) -> None:
        """While others do what is due, over and over."""

        async def both() -> None:
            acts = asyncio.gather(*(or_refused(self._act(what, plan)) for what in (first, second)))
            while not acts.done():
                await or_refused(self.service.do_due())
                await asyncio.sleep(0)
            await acts

        self.run(both())

    async def _act(self, what: str, plan: str) -> None:
        user = self.user
        if what in ("subscribe", "change"):
            await getattr(user, what)(plan)
        elif what == "cancel now":
            await user.cancel(now=True)
        elif what == "extend":
            await self.service.subscriptions.extend(user.user, 3, "sorry")
        elif what == "deduct":
            self.spent.append((SLIDE, await user.spend(1, SLIDE)))
        elif what == "what is due":
            await self.service.do_due()
        elif what != "pay a link":
            await getattr(user, what)()
        elif not self.away and (links := await self._links()):
            await self.service.pay(links[0])

    async def _links(self) -> list[Payment]:
        return [
            p
            for p in await self.user.payments()
            if p.payment_url is not None and p.paid is None and p.status in (*OPEN_STATUSES, *LATE)
        ]

    @precondition(lambda self: not self.away)
    @rule(data=st.data())
    def pay(self, data: st.DataObject) -> None:
        """In any checkout that is or was open; some gateways take money late."""
        if links := self.run(self._links()):
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

    @rule(lost=st.booleans())
    def answers(self, lost: bool) -> None:
        """Money is taken, and nobody hears of it."""
        self.user.gateway.loses_answers = lost
        self.service.clock.advance(61_000)

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

    def teardown(self) -> None:
        """Once all is well again nothing stays undone."""
        if not hasattr(self, "laws"):
            return
        try:
            self.user.gateway.back()
            self.user.gateway.loses_answers = False
            self.user.gateway.declines.clear()
            self.user.save_card()
            self.run(self.user.days(40))
            for payment in self.laws.unheard(self.run(self.user.payments())):
                self.run(self.service.hear(payment))  # or `reconcile` finds it
            self.run(self.laws.check())
            assert self.laws.unheard(self.run(self.user.payments())) == []
            if (subscription := self.subscription) is not None:
                assert subscription.status in LASTING
                paused = subscription.status is SubscriptionStatus.PAUSED
                assert paused or subscription.period_end > self.service.clock.time
        finally:
            self.runner.run(self.service.writer.stop())
            self.runner.close()
