"""Requests about a subscription at a gateway that fails as it is told, and what is left of them."""

from __future__ import annotations

import asyncio

import pytest

from shothik_payment.domain.errors import GatewayRefused, Unavailable
from shothik_payment.domain.model.payment import Payment, PaymentStatus
from shothik_payment.domain.model.time import MINUTE
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.ports.gateway import Checkout, GatewayReport
from tests.support.scripted_gateway import ScriptedGateway
from tests.support.service import TestService
from tests.support.subscriber import Subscriber, state_of
from tests.support.subscription_requests import Request, asked

KINDS = pytest.mark.parametrize("kind", ["subscribe", "change", "resume"])
LATE = pytest.mark.parametrize("minutes", [1, 11, 7 * 24 * 60])
AWAY = Unavailable("The gateway is away.")
REFUSED = GatewayRefused("sandbox", "no such merchant")


class Killed(Exception):
    """The process ends here."""


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
        self.holds, self.held, self.goes_on = True, asyncio.Event(), asyncio.Event()
        return self.held, self.goes_on

    async def _wait(self) -> None:
        if self.holds:
            self.holds, goes_on = False, self.goes_on
            self.held.set()
            await goes_on.wait()


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


async def begin(service: TestService, kind: str, *, on_file: bool = True) -> Scene:
    user, request = await asked(service, kind)
    user.gateway = service.gateway = bank = Bank(service.gateway)
    service.use_gateways(bank)
    if not on_file:
        bank.on_file.clear()
    return Scene(user, request, bank)
