"""Who walks at random: a user with subscriptions, who spends, and what holds at each step."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

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
from shothik_payment.domain.model.subscription import (
    Subscription,
    SubscriptionStatus,
)
from tests.support.service import CATALOG, TestService
from tests.support.subscriber import LITTLE_FOR_FREE, PARAPHRASE, SLIDE, Subscriber
from tests.support.subscription_laws import Laws

SLUGS = st.sampled_from([PARAPHRASE, SLIDE])


class Walker(RuleBasedStateMachine):
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
        self.user.gateway.turns = 30  # commits go in between
        self.laws = Laws(self.user)

    def run(self, doing: Awaitable[Any]) -> Any:
        """Its result; None where it is refused."""

        async def bounded() -> Any:
            async with asyncio.timeout(60):
                return await or_refused(doing)

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

    def have(self, plan: str, *, pays: bool) -> None:
        view = self.run(self.user.subscribe(plan))
        if pays and not self.away and view is not None and view.payment is not None:
            if view.payment.payment_url is not None:
                self.run(self.service.pay(view.payment))
            self.user.save_card()

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

    @invariant()
    def laws_hold(self) -> None:
        if hasattr(self, "laws"):
            self.run(self.laws.check())


async def or_refused(doing: Awaitable[Any]) -> Any:
    try:
        return await doing
    except PaymentServiceError:
        return None
