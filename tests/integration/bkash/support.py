"""A gateway against the simulated bKash, and what it shares with other processes."""

from __future__ import annotations

import time
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from shothik_payment.adapters.bkash import BkashCredentials, BkashGateway
from shothik_payment.adapters.memory.documents import MemoryDocuments
from shothik_payment.adapters.memory.shared_lock import MemorySharedLock
from shothik_payment.adapters.memory.shared_values import MemorySharedValues
from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import Payment, PaymentStatus, Refund, RefundState
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.documents import Documents
from shothik_payment.domain.ports.gateway import GatewayReport
from shothik_payment.domain.ports.shared_lock import SharedLock
from shothik_payment.domain.ports.shared_values import SharedValues
from tests.simulators.bkash import CREDENTIALS, TOPIC, Simulator

CALLBACK = "https://pay.example.com/api/v1/payments/bkash/callback"
_numbers = count(1)


class ShiftedClock:
    """The real time, which the simulator goes by, moved by what a test says."""

    def __init__(self) -> None:
        self._ahead_ms = 0

    def now(self) -> Millis:
        return Millis(int(time.time() * 1000) + self._ahead_ms)

    def advance(self, seconds: float) -> None:
        self._ahead_ms += round(seconds * 1000)


class _Unreachable:
    async def __aenter__(self) -> None:
        raise Unavailable("Redis does not answer.")

    async def __aexit__(self, *_: object) -> None:
        return None


class Away:
    """Redis is away: neither lock nor values."""

    def hold(
        self, name: str, *, ttl_seconds: float, wait_seconds: float
    ) -> AbstractAsyncContextManager[None]:
        return _Unreachable()

    async def get(self, name: str) -> str | None:
        raise Unavailable("Redis does not answer.")

    async def put(self, name: str, value: str, ttl_seconds: int) -> None:
        raise Unavailable("Redis does not answer.")

    async def forget(self, name: str, value: str) -> None:
        raise Unavailable("Redis does not answer.")


@dataclass
class Shop:
    """What all processes of a service share."""

    simulator: Simulator
    state: MemoryState = field(default_factory=MemoryState)
    clock: ShiftedClock = field(default_factory=ShiftedClock)
    lock: SharedLock = field(default_factory=MemorySharedLock)
    values: SharedValues = field(default_factory=MemorySharedValues)
    gateways: list[BkashGateway] = field(default_factory=list)

    @property
    def documents(self) -> Documents:
        return MemoryDocuments(self.state, "bkash")

    def gateway(self, **other: Any) -> BkashGateway:
        """One process's."""
        secrets = CREDENTIALS
        options = {
            "topic_arn": TOPIC,
            "cert_origin": self.simulator.url,
            "lock": self.lock,
            "shared": self.values,
            "timeout_seconds": 10.0,
            **other,
        }
        made = BkashGateway(
            BkashCredentials(
                secrets.app_key, secrets.app_secret, secrets.username, secrets.password
            ),
            self.simulator.base_url,
            CALLBACK,
            documents=self.documents,
            clock=self.clock,
            **options,
        )
        self.gateways.append(made)
        return made

    async def close(self) -> None:
        for gateway in self.gateways:
            await gateway.close()


def a_payment(shop: Shop, amount_minor: int = 10_000, **other: Any) -> Payment:
    now = shop.clock.now()
    fields: dict[str, Any] = {
        "id": f"pay_abc{next(_numbers):08d}",
        "user_id": "user-1",
        "gateway": "bkash",
        "status": PaymentStatus.PENDING,
        "price": Money(amount_minor, "BDT"),
        "credits": 100,
        "created_at": now,
        "updated_at": now,
        "pack_id": "credits_100",
        **other,
    }
    return Payment(**fields)


def a_refund(shop: Shop, amount_minor: int, id: str | None = None) -> Refund:
    name = id or f"rf_{next(_numbers)}"
    return Refund(name, amount_minor, RefundState.PENDING, shop.clock.now())


async def started(gateway: BkashGateway, payment: Payment) -> str:
    checkout = await gateway.start_checkout(payment)
    payment.session_id, payment.payment_url = checkout.session_id, checkout.url
    return checkout.session_id


def settled(payment: Payment, report: GatewayReport) -> None:
    payment.status = PaymentStatus.PAID
    payment.paid, payment.reference = report.paid, report.reference


async def paid(shop: Shop, gateway: BkashGateway, payment: Payment) -> str:
    session_id = await started(gateway, payment)
    await shop.simulator.approve(session_id)
    settled(payment, await gateway.complete(payment))
    return session_id
