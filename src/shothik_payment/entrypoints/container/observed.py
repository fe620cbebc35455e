"""The store's commits, the broker and the gateways, with an observer told of each call."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TypeVar

import httpx

from shothik_payment.domain.errors import GatewayRefused, Unauthenticated, Unavailable
from shothik_payment.domain.model.payment import Payment, Refund
from shothik_payment.domain.ports.broker import Broker, Delivery
from shothik_payment.domain.ports.event_log import RecordedEvent
from shothik_payment.domain.ports.gateway import (
    Capabilities,
    Checkout,
    GatewayRefund,
    GatewayReport,
    Notification,
    PaymentGateway,
    SavedMethod,
)
from shothik_payment.domain.ports.ledger_store import (
    ChangeSet,
    LedgerStore,
    Needs,
    Snapshot,
    Stored,
)
from shothik_payment.domain.ports.observer import Observer

T = TypeVar("T")


class ObservedLedger:
    def __init__(self, ledger: LedgerStore, observer: Observer) -> None:
        self._ledger = ledger
        self._observer = observer

    async def load(self, needs: Sequence[Needs]) -> list[Snapshot]:
        return await self._ledger.load(needs)

    async def commit(self, changes: Sequence[ChangeSet]) -> Sequence[Stored]:
        rows = sum(len(change.transactions) for change in changes)
        with self._observer.commit(len(changes), rows):
            stored = await self._ledger.commit(changes)
        lost = sum(end is False for end in stored)
        if lost:
            self._observer.conflicts(lost)
        return stored


class ObservedBroker:
    def __init__(self, broker: Broker, observer: Observer) -> None:
        self._broker = broker
        self._observer = observer

    async def declare_control_queues(self, services: Sequence[str]) -> list[str]:
        return await self._broker.declare_control_queues(services)

    async def publish(
        self, events: Sequence[RecordedEvent], queue: str | None = None
    ) -> list[Delivery]:
        with self._observer.publish(len(events)):
            deliveries = await self._broker.publish(events, queue)
        unwanted = deliveries.count(Delivery.UNWANTED)
        refused = deliveries.count(Delivery.REFUSED)
        self._observer.published(len(deliveries) - unwanted - refused, unwanted, refused)
        return deliveries


class ObservedGateway:
    def __init__(self, gateway: PaymentGateway, observer: Observer) -> None:
        self._gateway = gateway
        self._observer = observer

    @property
    def name(self) -> str:
        return self._gateway.name

    @property
    def capabilities(self) -> Capabilities:
        return self._gateway.capabilities

    async def start_checkout(self, payment: Payment) -> Checkout:
        return await self._call("start_checkout", self._gateway.start_checkout(payment))

    async def look_up(self, payment: Payment) -> GatewayReport:
        return await self._call("look_up", self._gateway.look_up(payment))

    async def complete(self, payment: Payment) -> GatewayReport:
        return await self._call("complete", self._gateway.complete(payment))

    async def refund(self, payment: Payment, refund: Refund) -> GatewayRefund:
        return await self._call("refund", self._gateway.refund(payment, refund))

    async def cancel(self, payment: Payment) -> GatewayReport:
        return await self._call("cancel", self._gateway.cancel(payment))

    async def charge(self, payment: Payment) -> GatewayReport:
        return await self._call("charge", self._gateway.charge(payment))

    async def saved_method(self, user_id: str) -> SavedMethod | None:
        return await self._call("saved_method", self._gateway.saved_method(user_id))

    async def forget_method(self, user_id: str) -> None:
        await self._call("forget_method", self._gateway.forget_method(user_id))

    async def read_notification(self, body: bytes, headers: dict[str, str]) -> Notification | None:
        reading = self._gateway.read_notification(body, headers)
        return await self._call("read_notification", reading)

    async def find_payment(self, notification: Notification) -> str | None:
        return await self._call("find_payment", self._gateway.find_payment(notification))

    async def close(self) -> None:
        await self._gateway.close()

    async def _call(self, operation: str, call: Awaitable[T]) -> T:
        with self._observer.gateway_call(self.name, operation) as step:
            try:
                return await call
            except (GatewayRefused, Unauthenticated):
                step.outcome = "refused"
                raise
            except Unavailable as error:
                step.outcome = "timeout" if _timed_out(error) else "unavailable"
                raise


def _timed_out(error: BaseException | None) -> bool:
    """Gateways tell one kind of absence; what it came from is behind it."""
    while error is not None:
        if isinstance(error, TimeoutError | httpx.TimeoutException):
            return True
        error = error.__cause__
    return False
