"""A request about a subscription whose payment was given up before there was a link: it binds
nothing, whoever gave it up, and a repeat is judged and done anew, however late."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from shothik_payment.domain.errors import (
    CallUnderWay,
    GatewayRefused,
    PaymentNotOpen,
    PaymentServiceError,
    Unavailable,
)
from shothik_payment.domain.model.payment import Payment, PaymentStatus
from shothik_payment.domain.model.time import MINUTE
from shothik_payment.domain.ports.gateway import Checkout, GatewayReport
from shothik_payment.domain.use_cases.offers import Choice
from tests.support.scripted_gateway import ScriptedGateway
from tests.support.service import TestService, running_service
from tests.support.subscriber import Subscriber
from tests.support.subscription_requests import KEY, Request, asked, request_in

KINDS = pytest.mark.parametrize("kind", ["subscribe", "change", "resume"])
LATE = pytest.mark.parametrize("minutes", [1, 11, 7 * 24 * 60])
AWAY = Unavailable("The gateway is away.")
REFUSED = GatewayRefused("sandbox", "no such merchant")


class Killed(Exception):
    """The process ends here."""


ENDS = pytest.mark.parametrize("end", [CallUnderWay("Under way."), Killed()], ids=repr)


class Bank(ScriptedGateway):
    """`no_charge` and `no_checkout` are what it says to these. Where it `holds`, the first call
    waits until it `goes_on`."""

    def __init__(self, bank: ScriptedGateway) -> None:
        super().__init__(recurring=True)
        self.on_file, self.events, self.charged = bank.on_file, bank.events, bank.charged
        self.no_charge: Exception | None = None
        self.no_checkout: Exception | None = None
        self.holds = False
        self.held, self.goes_on = asyncio.Event(), asyncio.Event()

    async def charge(self, payment: Payment) -> GatewayReport:
        await self._wait()
        if self.no_charge is not None:
            raise self.no_charge
        return await super().charge(payment)

    async def start_checkout(self, payment: Payment) -> Checkout:
        await self._wait()
        if self.no_checkout is not None:
            raise self.no_checkout
        return await super().start_checkout(payment)

    async def _wait(self) -> None:
        if self.holds:
            self.holds = False
            self.held.set()
            await self.goes_on.wait()


class Scene:
    """A request of a user with a method on file."""

    def __init__(self, user: Subscriber, request: Request, bank: Bank) -> None:
        self.user, self.request, self.bank = user, request, bank

    async def is_refused(self, error: type[Exception]) -> None:
        with pytest.raises(error):
            await self.request()

    async def wait(self, minutes: int) -> None:
        await self.user.until(self.user.service.clock.time + minutes * MINUTE)

    async def sweep_gives_up(self, minutes: int = 1) -> None:
        self.bank.no_checkout = AWAY
        await self.wait(minutes)
        self.bank.no_checkout = None
        assert (await self.user.payments())[0].status is PaymentStatus.FAILED

    async def a_repeat_has_a_link(self) -> Payment:
        """It is no replay; one after it is."""
        view = await self.request()
        assert not view.replayed
        assert view.payment is not None
        assert view.payment.payment_url is not None
        await self.is_bound_to(view.payment)
        return view.payment

    async def is_bound_to(self, payment: Payment) -> None:
        again = await self.request()
        assert (again.replayed, again.payment) == (True, payment)


async def begin(service: TestService, kind: str, *, on_file: bool = True) -> Scene:
    user, request = await asked(service, kind)
    user.gateway = service.gateway = bank = Bank(service.gateway)
    service.use_gateways(bank)
    if not on_file:
        bank.on_file.clear()
    return Scene(user, request, bank)


@KINDS
@LATE
@pytest.mark.parametrize("error", [REFUSED, AWAY], ids=["refused", "away"])
async def test_neither_a_charge_nor_a_checkout(
    service: TestService, kind: str, minutes: int, error: PaymentServiceError
) -> None:
    """What was on file is gone when it is charged, and the checkout is refused or not answered."""
    scene = await begin(service, kind)
    scene.bank.forgets, scene.bank.no_checkout = True, error
    await scene.is_refused(type(error))
    scene.bank.no_checkout = None
    await scene.wait(minutes)
    await scene.a_repeat_has_a_link()


@KINDS
async def test_another_body_after_a_refusal(service: TestService, kind: str) -> None:
    scene = await begin(service, kind)
    scene.bank.no_charge = scene.bank.no_checkout = REFUSED
    await scene.is_refused(GatewayRefused)
    scene.bank.no_charge = scene.bank.no_checkout = None
    other = replace(KEY, fingerprint=b"other")
    assert not (await scene.request(other)).replayed
    assert (await scene.request(other)).replayed
    assert (await scene.user.subscription()).terms.plan == "pro"
    assert len(scene.user.charged().split()) == 1


@KINDS
@LATE
@ENDS
async def test_a_checkout_that_the_sweep_gives_up(
    service: TestService, kind: str, minutes: int, end: Exception
) -> None:
    scene = await begin(service, kind, on_file=False)
    scene.bank.no_checkout = end
    await scene.is_refused(type(end))
    await scene.sweep_gives_up(minutes)
    await scene.a_repeat_has_a_link()


@KINDS
async def test_a_charge_without_an_answer_that_the_sweep_cannot_make(
    service: TestService, kind: str
) -> None:
    scene = await begin(service, kind)
    scene.bank.no_charge = AWAY
    assert not (await scene.request()).replayed
    scene.bank.no_charge = None
    scene.bank.on_file.clear()
    await scene.sweep_gives_up()
    await scene.a_repeat_has_a_link()


@KINDS
@LATE
@ENDS
async def test_a_second_step_that_the_sweep_gives_up(
    service: TestService, kind: str, minutes: int, end: Exception
) -> None:
    """Declined, and there was no checkout instead."""
    scene = await begin(service, kind)
    scene.bank.declines[scene.user.user], scene.bank.no_checkout = 2, end
    await scene.is_refused(type(end))
    await scene.sweep_gives_up(minutes)
    await scene.a_repeat_has_a_link()
    assert len(scene.bank.charge_asks) == 2


async def test_what_came_to_nothing_is_refused_as_what_is_new_is(service: TestService) -> None:
    scene = await begin(service, "subscribe", on_file=False)
    scene.bank.no_checkout = Killed()
    await scene.is_refused(Killed)
    await scene.sweep_gives_up()
    service.use_gateways(ScriptedGateway("another", ("BDT",)))
    with pytest.raises(PaymentServiceError):
        await service.subscriptions.subscribe(scene.user.user, "pro", Choice(), KEY)
    service.use_gateways(scene.bank)
    await scene.a_repeat_has_a_link()


@KINDS
async def test_of_repeats_in_two_processes_one_is_done(service: TestService, kind: str) -> None:
    scene = await begin(service, kind, on_file=False)
    scene.bank.no_checkout = Killed()
    await scene.is_refused(Killed)
    await scene.sweep_gives_up()
    scene.user.save_card()
    async with running_service(scene.bank, old=service) as other:
        elsewhere = request_in(other, kind, scene.user.user)
        views = await asyncio.gather(*(ask() for ask in [scene.request, elsewhere] * 3))
    assert sum(not view.replayed for view in views) == 1
    assert len(scene.user.charged().split()) == 1
    assert (await scene.request()).replayed


@KINDS
async def test_a_first_that_ends_late_leaves_the_key_to_the_repeat(
    service: TestService, kind: str
) -> None:
    """Its checkout was given up, and a repeat had another, while it was asked for."""
    scene = await begin(service, kind, on_file=False)
    scene.bank.holds = True
    first = asyncio.ensure_future(scene.request())
    await scene.bank.held.wait()
    await scene.sweep_gives_up()
    async with running_service(scene.bank, old=service) as other:
        in_first, scene.request = scene.request, request_in(other, kind, scene.user.user)
        link = await scene.a_repeat_has_a_link()
    scene.request = in_first
    scene.bank.goes_on.set()
    with pytest.raises(PaymentNotOpen):
        await first
    await scene.is_bound_to(link)


@KINDS
async def test_a_link_after_the_sweep_gave_up_the_charge_is_what_was_done(
    service: TestService, kind: str
) -> None:
    """It finds no method and no checkout, while the request has no answer yet."""
    scene = await begin(service, kind)
    scene.bank.holds = True
    first = asyncio.ensure_future(scene.request())
    await scene.bank.held.wait()
    scene.bank.on_file.clear()
    await scene.sweep_gives_up()
    scene.bank.no_charge = AWAY
    scene.bank.goes_on.set()
    view = await first
    assert view.payment is not None
    await scene.is_bound_to(view.payment)
    scene.bank.no_charge = None
    await scene.user.pay(view)
    assert (await scene.request()).replayed
    assert len(scene.user.charged().split()) == 1
