"""A charge or a checkout that two ask for at the same time, or that is given up meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from shothik_payment.domain.errors import CallUnderWay, PaymentNotOpen, Unavailable
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.model.payment import Payment, PaymentStatus
from shothik_payment.domain.ports.gateway import Checkout, GatewayReport, GatewayState
from shothik_payment.domain.use_cases.gateway_turns import SILENT_AFTER
from shothik_payment.domain.use_cases.offers import Choice
from shothik_payment.domain.use_cases.subscription_view import SubscriptionView
from tests.support.checkouts import stored
from tests.support.scripted_gateway import ScriptedGateway
from tests.support.service import TestService
from tests.support.subscriber import Subscriber
from tests.support.subscription_laws import Laws


class FirstFails(ScriptedGateway):
    """Of two that open the same checkout, the first gets no answer, and the second gets its answer
    only after that."""

    def __init__(self, bank: ScriptedGateway) -> None:
        super().__init__(recurring=True)
        self.declines, self.on_file, self.charged = bank.declines, bank.on_file, bank.charged
        self.events = bank.events
        self.both_ask, self.given_up = asyncio.Event(), asyncio.Event()

    async def start_checkout(self, payment: Payment) -> Checkout:
        self.started.append(payment.id)
        if len(self.started) == 1:
            await self.both_ask.wait()
            raise Unavailable("No answer.")
        self.both_ask.set()
        await self.given_up.wait()
        return Checkout(f"cs_{payment.id}", f"https://sandbox.example/{payment.id}")


async def past_due(service: TestService) -> tuple[Subscriber, FirstFails]:
    """Once more the saved method will be declined when it is tried again."""
    user = await Subscriber.begin(service, "2026-01-01")
    await user.bought("lite")
    user.gateway.declines[user.user] = 1
    await user.until("2026-02-01T01:00")
    assert (await user.seen()).state == "past_due lite 2026-01-01..2026-02-01"
    gateway = user.gateway = service.gateway = FirstFails(service.gateway)
    service.use_gateways(gateway)
    return user, gateway


def key(name: str) -> RequestBinding:
    return RequestBinding(f"user u1 POST /pay {name}", name, b"f")


async def test_a_checkout_that_was_given_up_is_not_paid_beside_the_next_try(
    service: TestService,
) -> None:
    user, gateway = await past_due(service)
    pay = service.subscriptions.pay
    first = asyncio.create_task(pay(user.user, Choice()))
    second = asyncio.create_task(pay(user.user, Choice(), key("k")))
    with pytest.raises(Unavailable):
        await first
    gateway.given_up.set()
    with pytest.raises(PaymentNotOpen):
        await second
    (given_up, *_) = await user.payments()
    assert (given_up.status, given_up.payment_url) == (PaymentStatus.FAILED, None)
    await user.until("2026-02-01T04:00")
    assert (await user.seen()).charged == "1000"
    # Who has found a way to pay it all the same is not served twice.
    await service.pay(given_up)
    late = await stored(service, given_up)
    assert (late.status, late.review_reason) == (
        PaymentStatus.REVIEW,
        "its subscription does not wait for it any more",
    )
    assert (await user.seen()).state == "active lite 2026-02-01..2026-03-01"
    await Laws(user).check()


async def test_what_has_no_link_is_refused_and_binds_nothing(service: TestService) -> None:
    user, gateway = await past_due(service)
    pay = service.subscriptions.pay
    both = [asyncio.create_task(pay(user.user, Choice(), key(name))) for name in ("a", "b")]
    with pytest.raises(Unavailable):
        await both[0]
    gateway.given_up.set()
    with pytest.raises(PaymentNotOpen):
        await both[1]
    again: list[SubscriptionView] = [await pay(user.user, Choice(), key(name)) for name in "ab"]
    links = {view.payment.payment_url for view in again if view.payment is not None}
    assert len(links) == 1
    assert None not in links
    assert [view.replayed for view in again] == [False, False]


@pytest.mark.parametrize("kind", ["upgrade", "resumption"])
async def test_a_link_of_what_was_dropped_is_not_shown(service: TestService, kind: str) -> None:
    user = await Subscriber.begin(service, "2026-01-01")
    await user.bought("lite" if kind == "upgrade" else "pro")
    user.gateway.on_file.clear()
    if kind == "resumption":
        await user.pause()
        await user.until("2026-02-02")
    gateway = user.gateway = service.gateway = FirstFails(service.gateway)
    service.use_gateways(gateway)
    asking = (lambda: user.change("pro")) if kind == "upgrade" else user.resume
    first, second = asyncio.create_task(asking()), asyncio.create_task(asking())
    with pytest.raises(Unavailable):
        await first
    gateway.given_up.set()
    with pytest.raises(PaymentNotOpen):
        await second
    assert (await user.subscription()).awaited is None
    view = await asking()
    assert view.payment is not None
    assert (await user.payments())[0] == view.payment
    await user.pay(view)
    assert (await user.subscription()).terms.plan == "pro"
    await Laws(user).check()


async def test_a_pack_whose_checkout_comes_back_is_paid(service: TestService) -> None:
    """Nothing else charges for it: the link of the second is good."""
    gateway = FirstFails(service.gateway)
    service.use_gateways(gateway)

    async def buy() -> Payment | None:
        order = {"pack_id": "credits_100", "credits": None, "gateway": None, "currency": None}
        done = await service.checkouts.initiate(
            "u1", **order, success_url=None, cancel_url=None, request=key("pack")
        )
        return done.payment

    first, second = asyncio.create_task(buy()), asyncio.create_task(buy())
    with pytest.raises(Unavailable):
        await first
    gateway.given_up.set()
    payment = await second
    assert payment is not None
    assert (payment.status, payment.payment_url is None) == (PaymentStatus.PENDING, False)


async def test_a_link_that_could_not_be_had_is_no_try(service: TestService) -> None:
    user = await Subscriber.begin(service, "2026-01-01")
    await user.bought("lite")
    user.gateway.declines[user.user] = 1
    await user.until("2026-02-01T01:00")
    before, steps = await user.subscription(), len(await user.steps())
    await user.seen()
    user.gateway.away()
    with pytest.raises(Unavailable):
        await user.pay_renewal()
    assert await user.subscription() == before
    assert len(await user.steps()) == steps
    assert (await user.seen()).told == ""
    user.gateway.back()
    await user.until("2026-02-01T04:00")
    assert (await user.seen()).state == "active lite 2026-02-01..2026-03-01"


class OneAtATime(ScriptedGateway):
    """As Stripe: while a charge is under way, the same again is refused."""

    def __init__(self, bank: ScriptedGateway) -> None:
        super().__init__(recurring=True)
        self.on_file, self.charged, self.events = bank.on_file, bank.charged, bank.events
        self.under_way: set[str] = set()
        self.begun, self.released = asyncio.Event(), asyncio.Event()
        self.refused = 0

    async def charge(self, payment: Payment) -> GatewayReport:
        if payment.id in self.under_way:
            self.refused += 1
            raise CallUnderWay("The key is in use.")
        self.under_way.add(payment.id)
        self.begun.set()
        await self.released.wait()
        self.under_way.discard(payment.id)
        return await super().charge(payment)


async def charging(service: TestService) -> tuple[Subscriber, OneAtATime]:
    user = await Subscriber.begin(service, "2026-01-01")
    await user.bought("lite")
    gateway = user.gateway = service.gateway = OneAtATime(service.gateway)
    service.use_gateways(gateway)
    return user, gateway


@pytest.mark.parametrize("kind", ["start", "upgrade"])
async def test_what_a_request_charges_is_left_to_it_by_the_sweep(
    service: TestService, kind: str
) -> None:
    user, gateway = await charging(service)
    if kind == "start":
        await user.cancel(now=True)
    asking = user.subscribe("pro") if kind == "start" else user.change("pro")
    request = asyncio.create_task(asking)
    await gateway.begun.wait()
    assert await service.payment_checks.check_due() == 0
    gateway.released.set()
    await request
    assert gateway.refused == 0
    assert (await user.subscription()).terms.plan == "pro"


async def test_a_request_that_died_is_followed_by_the_sweep(service: TestService) -> None:
    user, gateway = await charging(service)
    request = asyncio.create_task(user.change("pro"))
    await gateway.begun.wait()
    request.cancel()
    gateway.under_way.clear()
    gateway.released.set()
    await user.until("2026-01-01T00:01")
    assert (await user.subscription()).terms.plan == "pro"
    await Laws(user).check()


async def test_a_renewal_is_charged_by_the_sweep_alone(service: TestService) -> None:
    """Also where a request looks at the subscription meanwhile."""
    user, gateway = await charging(service)
    await user.until("2026-01-31T23:59")
    service.clock.advance(60_000)
    await service.sweep.run()
    sweep = asyncio.create_task(service.payment_checks.check_due())
    await gateway.begun.wait()
    await user.change("lite")
    assert gateway.refused == 0
    gateway.released.set()
    await sweep
    assert (await user.seen()).state == "active lite 2026-02-01..2026-03-01"


async def test_a_charge_under_way_is_not_silence(service: TestService) -> None:
    users = [await Subscriber.begin(service, "2026-01-01", f"u{n}") for n in range(SILENT_AFTER)]
    for user in users:
        await user.bought("lite")
    gateway = service.gateway = OneAtATime(service.gateway)
    service.use_gateways(gateway)
    service.clock.time = (await users[0].subscription()).period_end
    await service.sweep.run()
    payments = [(await user.payments())[0] for user in users]
    gateway.under_way = {payment.id for payment in payments}
    await service.payment_checks.check_due()
    assert gateway.refused == SILENT_AFTER
    assert service.payment_checks.silence_ends(service.clock.now()) is None
    gateway.under_way.clear()
    gateway.released.set()
    for user in users:
        await user.until("2026-02-01T00:01")
        assert (await user.seen()).state == "active lite 2026-02-01..2026-03-01"
    assert {gateway.states[payment.id].state for payment in payments} == {GatewayState.PAID}
