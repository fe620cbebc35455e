"""Payments as the domain would record them, and a gateway over the simulator."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from shothik_payment.adapters.memory.documents import MemoryDocuments
from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.adapters.stripe import StripeGateway
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import Payment, PaymentStatus, Refund, RefundState
from shothik_payment.domain.model.time import HOUR, Millis
from shothik_payment.domain.ports.gateway import GatewayReport
from tests.simulators.stripe import Simulator

FALLBACK_URL = "https://pay.shothik.example"
OLD_MS = 21 * HOUR
_numbers = itertools.count(1)


class MovedClock:
    """The machine's, moved by `ahead_ms`."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def now(self) -> Millis:
        return Millis(time.time_ns() // 1_000_000 + self.ahead_ms)


class Desk:
    """One process of the service, as far as Stripe is concerned, and what its store keeps."""

    def __init__(self, stripe: Simulator, state: MemoryState, **options: Any) -> None:
        self.state = state
        self.clock = MovedClock()
        self.stripe = stripe
        settings: dict[str, Any] = {
            "webhook_secrets": [stripe.webhook_secret],
            "secret_key": stripe.secret_key,
        }
        self.gateway = StripeGateway(
            documents=MemoryDocuments(state, "stripe"),
            clock=self.clock,
            **{"api_base": stripe.url, "fallback_url": FALLBACK_URL} | settings | options,
        )

    def payment(self, *, age_ms: int = 0, **fields: Any) -> Payment:
        at = Millis(self.clock.now() - age_ms)
        number = next(_numbers)
        known: dict[str, Any] = {
            "user_id": f"u{number}",
            "price": Money(1000, "USD"),
            "credits": 100,
        }
        return Payment(
            id=f"pay_f76test{number}",
            gateway="stripe",
            status=PaymentStatus.PENDING,
            created_at=at,
            updated_at=at,
            **known | fields,
        )

    async def opened(self, **fields: Any) -> Payment:
        payment = self.payment(**fields)
        checkout = await self.gateway.start_checkout(payment)
        payment.session_id, payment.payment_url = checkout.session_id, checkout.url
        return payment

    async def paid(self, **fields: Any) -> Payment:
        payment = await self.opened(**fields)
        await self.stripe.pay(session_of(payment))
        settle(payment, await self.gateway.look_up(payment))
        return payment

    def refund(self, amount_minor: int, *, age_ms: int = 0, **fields: Any) -> Refund:
        at = Millis(self.clock.now() - age_ms)
        return Refund(
            f"ref_{next(_numbers)}", amount_minor, RefundState.PENDING, created_at=at, **fields
        )


@asynccontextmanager
async def desk(stripe: Simulator, state: MemoryState, **options: Any) -> AsyncIterator[Desk]:
    opened = Desk(stripe, state, **options)
    try:
        yield opened
    finally:
        await opened.gateway.close()


def session_of(payment: Payment) -> str:
    assert payment.session_id is not None
    return payment.session_id


def settle(payment: Payment, report: GatewayReport) -> None:
    payment.paid, payment.reference = report.paid, report.reference
    payment.status = PaymentStatus.PAID
