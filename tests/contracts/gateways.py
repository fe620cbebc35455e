"""Binds the gateways' suite to the adapters, with the payer and the bank at the other end."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from shothik_payment.adapters.bkash import BkashCredentials, BkashGateway
from shothik_payment.adapters.memory.documents import MemoryDocuments
from shothik_payment.adapters.memory.shared_lock import MemorySharedLock
from shothik_payment.adapters.memory.shared_values import MemorySharedValues
from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.adapters.sandbox import SandboxGateway, Signer
from shothik_payment.adapters.stripe import StripeGateway
from shothik_payment.adapters.system.clock import SystemClock
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import Payment, PaymentStatus
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.gateway import Checkout, GatewayState, PaymentGateway
from tests.simulators.bkash import CREDENTIALS
from tests.simulators.bkash import Simulator as BkashSimulator
from tests.simulators.stripe.simulator import Simulator as StripeSimulator

Signed = tuple[bytes, dict[str, str]]
_numbers = count(int(time.time() * 1000))


@dataclass
class GatewayBinding:
    """`theirs` is the same gateway in another process. `pay`: the payer agrees to pay; `fail`: the
    payer's money is refused for good; `told`: a genuine notification of the paid checkout;
    `money`: paid and refunded of a payment, in minor units, None where only the adapter knows."""

    ours: PaymentGateway
    theirs: PaymentGateway
    currency: str
    pay: Callable[[str], Awaitable[Any]]
    fail: Callable[[str], Awaitable[Any]]
    told: Callable[[str], Awaitable[Signed]]
    money: Callable[[str], Awaitable[tuple[int, int]]] | None

    def payment(self, user_id: str = "u1", **fields: Any) -> Payment:
        now = Millis(int(time.time() * 1000))
        given = {
            "id": f"pay_abc{next(_numbers):x}",
            "user_id": user_id,
            "gateway": self.ours.name,
            "status": PaymentStatus.CREATED,
            "price": Money(120_000 if self.currency == "BDT" else 1_000, self.currency),
            "credits": 100,
            "created_at": now,
            "updated_at": now,
        } | fields
        return Payment(**given)

    async def started(self, **fields: Any) -> Payment:
        """With its checkout attached."""
        payment = self.payment(**fields)
        return attached(payment, await self.ours.start_checkout(payment))

    async def paid(self, **fields: Any) -> Payment:
        """With what the gateway says of the money, as the ledger keeps it."""
        payment = await self.started(**fields)
        await self.pay(payment.session_id or "")
        report = await self.ours.complete(payment)
        assert report.state is GatewayState.PAID
        payment.status, payment.paid = PaymentStatus.PAID, report.paid
        payment.reference = report.reference
        return payment


def attached(payment: Payment, checkout: Checkout) -> Payment:
    payment.session_id, payment.payment_url = checkout.session_id, checkout.url
    payment.status = PaymentStatus.PENDING
    return payment


@asynccontextmanager
async def sandbox(_: pytest.FixtureRequest) -> AsyncIterator[GatewayBinding]:
    state, clock, signer = MemoryState(), SystemClock(), Signer("secret")

    def made() -> SandboxGateway:
        documents = MemoryDocuments(state, "sandbox")
        return SandboxGateway(documents, signer, clock, "http://localhost/sandbox")

    ours = made()

    async def told(session_id: str) -> Signed:
        body = ours.notification(await ours.session(session_id), GatewayState.PAID)
        return body, {"sandbox-signature": signer.sign(body, clock.now())}

    yield GatewayBinding(
        ours,
        made(),
        "USD",
        pay=lambda session_id: ours.decide(session_id, "success"),
        fail=lambda session_id: ours.decide(session_id, "declined"),
        told=told,
        money=None,
    )


@asynccontextmanager
async def stripe(request: pytest.FixtureRequest) -> AsyncIterator[GatewayBinding]:
    simulator: StripeSimulator = request.getfixturevalue("contract_stripe")
    state = MemoryState()

    def made() -> StripeGateway:
        return StripeGateway(
            simulator.secret_key,
            [simulator.webhook_secret],
            MemoryDocuments(state, "stripe"),
            SystemClock(),
            simulator.url,
            fallback_url="https://pay.example/back",
        )

    async def fail(session_id: str) -> None:
        await simulator.pay_later(session_id)
        await simulator.arrive(session_id, succeeded=False)

    async def told(session_id: str) -> Signed:
        events = await simulator.events("checkout.session.completed")
        own = [event for event in events if event["data"]["object"]["id"] == session_id]
        return simulator.signed(own[-1])

    ours, theirs = made(), made()
    yield GatewayBinding(ours, theirs, "USD", simulator.pay, fail, told, simulator.money)
    await ours.close()
    await theirs.close()


@asynccontextmanager
async def bkash(request: pytest.FixtureRequest) -> AsyncIterator[GatewayBinding]:
    simulator: BkashSimulator = request.getfixturevalue("contract_bkash")
    state, lock, shared = MemoryState(), MemorySharedLock(), MemorySharedValues()

    def made() -> BkashGateway:
        given = CREDENTIALS
        return BkashGateway(
            BkashCredentials(given.app_key, given.app_secret, given.username, given.password),
            simulator.base_url,
            "https://pay.example/back",
            simulator.topic,
            simulator.url,
            MemoryDocuments(state, "bkash"),
            lock,
            shared,
            SystemClock(),
        )

    async def told(session_id: str) -> Signed:
        message = await simulator.message(session_id=session_id)
        headers = {"content-type": "text/plain", "x-amz-sns-message-type": message["Type"]}
        return json.dumps(message).encode(), headers

    ours, theirs = made(), made()
    yield GatewayBinding(
        ours, theirs, "BDT", simulator.approve, simulator.decline, told, simulator.money
    )
    await ours.close()
    await theirs.close()


Opening = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[GatewayBinding]]
GATEWAYS: dict[str, Opening] = {"sandbox": sandbox, "stripe": stripe, "bkash": bkash}


@pytest.fixture(scope="module")
def contract_stripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StripeSimulator]:
    simulator = StripeSimulator(tmp_path_factory.mktemp("stripe"))
    simulator.start()
    yield simulator
    simulator.stop()


@pytest.fixture(scope="module")
def contract_bkash(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BkashSimulator]:
    simulator = BkashSimulator(tmp_path_factory.mktemp("bkash")).start()
    yield simulator
    simulator.stop()


@pytest.fixture(params=GATEWAYS)
async def till(request: pytest.FixtureRequest) -> AsyncIterator[GatewayBinding]:
    async with GATEWAYS[request.param](request) as binding:
        yield binding
