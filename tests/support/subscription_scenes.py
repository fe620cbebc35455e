"""Requests about a subscription at a gateway that fails as it is told, and what is left of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

from shothik_payment.domain.errors import GatewayRefused, Unavailable
from shothik_payment.domain.model.payment import Payment, PaymentStatus
from shothik_payment.domain.model.time import MINUTE
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.ports.gateway import Checkout, GatewayReport
from shothik_payment.domain.use_cases.subscription_view import SubscriptionView
from tests.support.scripted_gateway import ScriptedGateway
from tests.support.service import TestService
from tests.support.subscriber import Subscriber, state_of
from tests.support.subscription_requests import Request, asked

T = TypeVar("T")
KINDS = pytest.mark.parametrize("kind", ["subscribe", "change", "resume"])
LATE = pytest.mark.parametrize("minutes", [1, 11, 7 * 24 * 60])
AWAY = Unavailable("The gateway is away.")
REFUSED = GatewayRefused("sandbox", "no such merchant")


class Killed(Exception):
    """The process ends here."""


class Bank(ScriptedGateway):
    """`no_charge` and `no_checkout` are what it says to these."""

    def __init__(self, bank: ScriptedGateway) -> None:
        super().__init__(recurring=True)
        self.on_file, self.events, self.charged = bank.on_file, bank.events, bank.charged
        self.no_charge: Exception | None = None
        self.no_checkout: Exception | None = None
        self._held: tuple[asyncio.Event, asyncio.Event] | None = None
        self.charges = asyncio.Event()

    async def charge(self, payment: Payment) -> GatewayReport:
        await self._wait()
        if self.no_charge is not None:
            raise self.no_charge
        self.charges.set()
        return await super().charge(payment)

    async def start_checkout(self, payment: Payment) -> Checkout:
        await self._wait()
        if self.no_checkout is not None:
            raise self.no_checkout
        return await super().start_checkout(payment)

    def hold(self) -> tuple[asyncio.Event, asyncio.Event]:
        """Its next call: has come, goes on."""
        self._held = asyncio.Event(), asyncio.Event()
        return self._held

    async def _wait(self) -> None:
        if self._held is not None:
            (has_come, goes_on), self._held = self._held, None
            has_come.set()
            await goes_on.wait()


class Scene:
    """A request of a user with a method on file."""

    def __init__(self, user: Subscriber, request: Request, bank: Bank) -> None:
        self.user, self.request, self.bank = user, request, bank

    async def is_refused(self, error: type[Exception]) -> None:
        with pytest.raises(error):
            await self.request()

    async def is_killed_at_its_charge(self) -> None:
        self.bank.no_charge = Killed()
        await self.is_refused(Killed)
        self.bank.no_charge = None

    async def is_killed_at_its_checkout(self) -> None:
        self.bank.no_checkout = Killed()
        await self.is_refused(Killed)
        self.bank.no_checkout = None

    async def held(self, asked: Awaitable[T]) -> tuple[asyncio.Future[T], asyncio.Event]:
        """While the gateway is at a call of it; the event lets that go on."""
        has_come, goes_on = self.bank.hold()
        work = asyncio.ensure_future(asked)
        await has_come.wait()
        return work, goes_on

    @contextmanager
    def gateway_gone(self) -> Iterator[None]:
        """From the settings, where another is now, for another currency."""
        self.user.service.use_gateways(ScriptedGateway("another", ("BDT",)))
        yield
        self.user.service.use_gateways(self.bank)

    async def wait(self, minutes: int) -> None:
        await self.user.until(self.user.service.clock.time + minutes * MINUTE)

    async def sweep_gives_up(self, minutes: int = 1) -> None:
        self.bank.no_checkout = AWAY
        await self.wait(minutes)
        self.bank.no_checkout = None
        await self.payment_is(PaymentStatus.FAILED)

    async def payment_is(self, status: PaymentStatus) -> None:
        """The newest."""
        assert (await self.user.payments())[0].status is status

    async def a_repeat_has_a_link(self) -> Payment:
        """It is no replay; one after it is."""
        view = await self.request()
        assert not view.replayed
        link = link_of(view)
        await self.is_bound_to(link)
        return link

    async def is_bound_to(self, payment: Payment) -> None:
        again = await self.request()
        assert (again.replayed, again.payment) == (True, payment)

    async def a_repeat_is_charged(self) -> None:
        """And the one after it is not."""
        self.user.charged()
        assert not (await self.request()).replayed
        assert len(self.user.charged().split()) == 1
        assert state_of(await self.user.subscription()).startswith("active pro")
        await self.a_repeat_does_nothing()

    async def a_repeat_does_nothing(self) -> None:
        payments, wallet = await self.user.payments(), await self.wallet()
        assert (await self.request()).replayed
        assert (await self.user.payments(), await self.wallet()) == (payments, wallet)

    async def wallet(self) -> Wallet:
        return await self.user.service.wallets.get(self.user.user)


def link_of(view: SubscriptionView) -> Payment:
    assert view.payment is not None
    assert view.payment.payment_url is not None
    return view.payment


async def begin(service: TestService, kind: str, *, on_file: bool = True) -> Scene:
    user, request = await asked(service, kind)
    user.gateway = service.gateway = bank = Bank(service.gateway)
    service.use_gateways(bank)
    if not on_file:
        bank.on_file.clear()
    return Scene(user, request, bank)
