"""Charging saved methods: how many commits one takes, and how many are asked for in a second."""

import asyncio
from dataclasses import replace

import pytest

from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import OPEN_STATUSES, Payment, PaymentStatus
from shothik_payment.domain.model.time import DAY
from shothik_payment.domain.ports.gateway import GatewayReport, GatewayState
from shothik_payment.domain.use_cases.gateway_turns import SILENT_AFTER, GatewayTurns
from tests.support.service import HeldClock, ScriptedGateway, TestService
from tests.support.subscriber import Subscriber, moment


async def commits(user: Subscriber) -> int:
    return (await user.service.wallets.get(user.user)).version


@pytest.mark.parametrize(
    ("declines", "status"), [(0, PaymentStatus.PAID), (1, PaymentStatus.FAILED)]
)
async def test_a_renewal_that_is_answered_at_once_is_three_commits(
    service: TestService, declines: int, status: PaymentStatus
) -> None:
    """The payment is recorded, claimed, and settled with the session that it was charged in."""
    user = await Subscriber.begin(service, "2026-01-31")
    await user.bought("pro")
    user.gateway.declines[user.user] = declines
    service.clock.time = moment("2026-02-28")
    before = await commits(user)
    await service.do_due()
    assert await commits(user) == before + 3
    payment, _ = await user.payments()
    assert (payment.status, payment.session_id) == (status, f"cs_{payment.id}")
    assert await service.payments.by_session("sandbox", f"cs_{payment.id}") == payment


@pytest.mark.parametrize("state", [GatewayState.OPEN, GatewayState.AUTHORISED])
async def test_a_charge_whose_end_is_told_later_is_looked_up_in_its_session(
    service: TestService, state: GatewayState
) -> None:
    user = await Subscriber.begin(service, "2026-01-31")
    await user.bought("pro")
    gateway = Patient(user.gateway, state)
    service.use_gateways(gateway)
    await user.until("2026-02-28")
    payment, _ = await user.payments()
    assert payment.session_id == f"cs_{payment.id}"
    assert (await user.seen()).charged == ""
    gateway.says(payment, GatewayState.PAID, payment.price)
    await user.until(moment("2026-02-28") + DAY)
    assert (await user.seen()).state == "active pro 2026-02-28..2026-03-31"
    assert gateway.charge_asks == [payment.id]


class Patient(ScriptedGateway):
    """What comes of a charge is not known at once."""

    def __init__(self, bank: ScriptedGateway, state: GatewayState) -> None:
        super().__init__(recurring=True)
        self.on_file = bank.on_file
        self._state = state

    async def charge(self, payment: Payment) -> GatewayReport:
        report = await super().charge(payment)
        del self.states[payment.id]
        return replace(report, state=self._state, paid=None, reference=None)


class Unmade(ScriptedGateway):
    """A charge of which it made no checkout; `state` is its word."""

    def __init__(self, bank: ScriptedGateway, state: GatewayState) -> None:
        super().__init__(recurring=True)
        self.on_file = bank.on_file
        self._state = state

    async def charge(self, payment: Payment) -> GatewayReport:
        self.charge_asks.append(payment.id)
        return GatewayReport(payment.id, None, self._state)


@pytest.mark.parametrize("state", [GatewayState.FAILED, GatewayState.OPEN])
async def test_charges_without_a_checkout_have_no_session(
    service: TestService, state: GatewayState
) -> None:
    users = [await Subscriber.begin(service, "2026-01-31", name) for name in ("u1", "u2")]
    for user in users:
        await user.bought("pro")
    service.use_gateways(gateway := Unmade(service.gateway, state))
    service.clock.time = moment("2026-02-28")
    await service.do_due()
    refused = [(await user.payments())[0] for user in users]
    failed = state is GatewayState.FAILED
    expected = PaymentStatus.FAILED if failed else PaymentStatus.CREATED
    assert [(p.status, p.session_id) for p in refused] == [(expected, None)] * 2
    assert sorted(gateway.charge_asks) == sorted(p.id for p in refused)


@pytest.mark.parametrize("status", [s for s in PaymentStatus if s not in OPEN_STATUSES])
async def test_what_is_not_open_is_not_charged(service: TestService, status: PaymentStatus) -> None:
    user = await Subscriber.begin(service, "2026-01-31")
    user.save_card()
    price = Money(3000, "USD")
    now = service.clock.now()
    ended = Payment("pay_1", user.user, "sandbox", status, price, 1, now, now, off_session=True)
    await service.charges.charge(ended)
    assert user.gateway.charge_asks == []


class LastAnswer(ScriptedGateway):
    """While it answers, the service's own ledger goes away."""

    def __init__(self, bank: ScriptedGateway, service: TestService) -> None:
        super().__init__(recurring=True)
        self.on_file, self.events = bank.on_file, bank.events
        self._service = service

    async def charge(self, payment: Payment) -> GatewayReport:
        await self._service.writer.stop()
        return await super().charge(payment)


@pytest.mark.parametrize("by_webhook", [False, True])
async def test_what_is_away_on_our_side_is_not_the_gateways_silence(
    service: TestService, by_webhook: bool
) -> None:
    users = [await Subscriber.begin(service, "2026-01-31", f"u{n}") for n in range(SILENT_AFTER)]
    for user in users:
        await user.bought("pro")
    gateway = LastAnswer(service.gateway, service)
    service.use_gateways(gateway)
    service.gateway = gateway
    service.clock.time = moment("2026-02-28")
    await service.sweep.run()
    renewals = [(await user.payments())[0] for user in users]
    if by_webhook:
        for payment in renewals:
            await service.hear(payment)
    else:
        await service.payment_checks.check_due()
    assert sorted(gateway.charge_asks) == sorted(payment.id for payment in renewals)
    assert [(await user.payments())[0].status for user in users] == [PaymentStatus.CREATED] * 3
    assert service.payment_checks.silence_ends(service.clock.now()) is None


async def test_turns_begin_in_pace() -> None:
    turns = GatewayTurns(HeldClock(), pace_seconds=0.02)
    loop = asyncio.get_running_loop()
    started = loop.time()
    begun: dict[str, list[float]] = {"stripe": [], "bkash": []}

    async def one(name: str) -> None:
        async with turns.turn(name):
            begun[name].append(loop.time())

    await asyncio.gather(*(one(name) for name in begun for _ in range(6)))
    for times in begun.values():
        assert times[-1] - started >= 5 * 0.02 - 0.001
    # Side by side: each gateway has a pace of its own.
    assert max(times[0] for times in begun.values()) < min(times[-1] for times in begun.values())
