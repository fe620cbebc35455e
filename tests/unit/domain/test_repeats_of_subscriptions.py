"""A request about a subscription that comes again: what it did is done once, however late."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

import pytest

from shothik_payment.adapters.memory.ledger_store import MemoryLedgerStore
from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.domain.errors import CallUnderWay, Unavailable
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.ledger.subscription_commands import (
    CancelSubscription,
    PauseSubscription,
    PayRenewal,
)
from shothik_payment.domain.ledger.writer import LedgerWriter
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.model.time import MINUTE
from shothik_payment.domain.ports.gateway import Checkout, GatewayReport
from shothik_payment.domain.ports.ledger_store import ChangeSet
from shothik_payment.domain.use_cases.offers import Choice
from tests.support.scripted_gateway import ScriptedGateway
from tests.support.service import TestService
from tests.support.subscriber import Subscriber, state_of
from tests.support.subscription_requests import asked


@pytest.mark.parametrize("kind", ["subscribe", "change", "resume"])
async def test_a_charge_that_the_sweep_finds_declined_leaves_a_repeat_nothing_to_do(
    service: TestService, kind: str
) -> None:
    user, request = await asked(service, kind)
    user.gateway.away()
    assert not (await request()).replayed
    user.gateway.back()
    user.gateway.declines[user.user] = 1
    await user.days(1)
    wallet, payments = await service.wallets.get(user.user), await user.payments()
    await user.days(9)
    again = await request()
    assert (again.replayed, again.payment) == (True, None)
    if kind != "subscribe":  # that has expired meanwhile
        assert await service.wallets.get(user.user) == wallet
    assert await user.payments() == payments


class Declining(ScriptedGateway):
    """It declines a charge, and `goes` away then."""

    goes = True

    def __init__(self, bank: ScriptedGateway) -> None:
        super().__init__(recurring=True)
        self.on_file, self.events = bank.on_file, bank.events
        self.declines = dict.fromkeys(bank.on_file, 1)

    async def charge(self, payment: Payment) -> GatewayReport:
        report = await super().charge(payment)
        if self.goes:
            self.away()
        return report


@pytest.mark.parametrize("minutes", [1, 11, 7 * 24 * 60])
@pytest.mark.parametrize("kind", ["subscribe", "change", "resume"])
async def test_who_was_refused_is_judged_again(
    service: TestService, kind: str, minutes: int
) -> None:
    """Declined, and the checkout could not be opened."""
    user, request = await asked(service, kind)
    user.gateway = service.gateway = Declining(service.gateway)
    service.use_gateways(user.gateway)
    with pytest.raises(Unavailable):
        await request()
    user.gateway.back()
    user.gateway.declines[user.user] = 1
    await user.until(service.clock.time + minutes * MINUTE)
    user.gateway.goes = False
    link = await request()
    assert link.payment is not None
    assert link.payment.payment_url is not None
    service.clock.advance(MINUTE)
    again = await request()
    assert (again.payment, again.replayed) == (link.payment, True)
    assert len(user.gateway.charge_asks) == 2


@pytest.mark.parametrize("away", [True, False])
async def test_a_repeat_leaves_the_link_of_a_renewal_to_who_asked_for_it(
    service: TestService, away: bool
) -> None:
    user, request = await asked(service, "change")
    await request()
    user.gateway.declines[user.user] = 1
    await user.until("2026-02-01T00:01")
    # Somebody asked for a link to pay the renewal with, and died before it was open.
    await service.writer.submit(PayRenewal(id="pay", user_id=user.user, at=service.clock.now()))
    if away:
        user.gateway.away()
    wallet, payments = await service.wallets.get(user.user), await user.payments()
    assert (await request()).replayed
    assert (await service.wallets.get(user.user), await user.payments()) == (wallet, payments)


async def test_a_repeat_is_not_given_the_link_of_what_has_replaced_its_own(
    service: TestService,
) -> None:
    user = await Subscriber.begin(service, "2026-01-01")
    keys = {name: RequestBinding(f"user u1 {name}", name, b"f") for name in ("a", "b", "c")}
    ask, lite = service.subscriptions, partial(service.subscriptions.subscribe, user.user, "lite")
    first = await lite(Choice(), keys["a"])
    again = await lite(Choice(), keys["a"])
    assert (again.replayed, again.payment) == (True, first.payment)
    await ask.cancel(user.user, now=True, request=keys["c"])
    second = await ask.subscribe(user.user, "pro", Choice(), keys["b"])
    assert second.payment is not None
    for repeat in (lite(Choice(), keys["a"]), ask.cancel(user.user, now=True, request=keys["c"])):
        view = await repeat
        assert (view.replayed, view.payment) == (True, None)
    repeat = await ask.subscribe(user.user, "pro", Choice(), keys["b"])
    assert (repeat.replayed, repeat.payment) == (True, second.payment)


class HeldStore(MemoryLedgerStore):
    """Its second commit waits until it is let go."""

    def __init__(self, state: MemoryState) -> None:
        super().__init__(state)
        self.commits = 0
        self.second, self.let_go = asyncio.Event(), asyncio.Event()

    async def commit(self, changes: Sequence[ChangeSet]) -> list[bool]:
        self.commits += 1
        if self.commits == 2:
            self.second.set()
            await self.let_go.wait()
        return await super().commit(changes)


async def test_an_outcome_stays_as_it_was_stored(service: TestService) -> None:
    """While the next command is applied and not stored yet."""
    user = await Subscriber.begin(service, "2026-01-01")
    await user.bought("pro")
    store, active = HeldStore(service.state), service.active
    writer = LedgerWriter(store, active.rules, active.fresh_rules, lambda: 0.5)
    writer.start()
    about = {"user_id": user.user, "at": service.clock.now()}
    cancelled = await writer.submit(CancelSubscription(id="c", now=False, reason=None, **about))
    pausing = writer.submit(PauseSubscription(id="p", **about))
    await store.second.wait()
    assert state_of(cancelled.subscription).endswith("then cancelled")
    store.let_go.set()
    assert state_of((await pausing).subscription).endswith("then paused")
    await writer.stop()


class InHand(ScriptedGateway):
    """Opening a checkout takes until `goes_on`; who asks for the same meanwhile hears so."""

    def __init__(self, bank: ScriptedGateway) -> None:
        super().__init__(recurring=True)
        self.on_file, self.events = bank.on_file, bank.events
        self.asked, self.goes_on = asyncio.Event(), asyncio.Event()

    async def start_checkout(self, payment: Payment) -> Checkout:
        if self.asked.is_set():
            raise CallUnderWay("The call is under way.")
        self.asked.set()
        await self.goes_on.wait()
        return await super().start_checkout(payment)


@pytest.mark.parametrize("kind", ["subscribe", "change"])
@pytest.mark.parametrize("who", ["repeat", "check"])
async def test_a_checkout_that_the_gateway_has_in_hand_is_nobody_elses_to_give_up(
    service: TestService, kind: str, who: str
) -> None:
    user, request = await asked(service, kind)
    service.gateway.on_file.clear()
    user.gateway = service.gateway = InHand(service.gateway)
    service.use_gateways(user.gateway)
    first = asyncio.create_task(request())
    await user.gateway.asked.wait()
    if who == "repeat":
        with pytest.raises(CallUnderWay):
            await request()
    else:
        service.clock.advance(21_000)
        await service.payment_checks.check_due()
    user.gateway.goes_on.set()
    opened = await first
    assert opened.payment is not None
    assert opened.payment.payment_url is not None
    again = await request()
    assert (again.replayed, again.payment) == (True, opened.payment)
