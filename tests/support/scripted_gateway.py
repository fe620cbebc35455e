"""A gateway that says what the test has it say."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from dataclasses import replace
from typing import Any

from shothik_payment.domain.errors import CallUnderWay, GatewayRefused, InvalidRequest, Unavailable
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import Payment, Refund, RefundState
from shothik_payment.domain.ports.gateway import (
    Capabilities,
    Checkout,
    GatewayRefund,
    GatewayReport,
    GatewayState,
    Notification,
    SavedMethod,
)


class ScriptedGateway:
    """A gateway that says what the test has it say. `states` by payment id; open where absent.

    It keeps refunds by our id, as a gateway with idempotency keys does, and charges by payment.
    A charge takes `turns` of the event loop; who asks for the same meanwhile hears `CallUnderWay`,
    and is in `collided`.
    `on_file`: users with a saved method; `declines`: how many of their next charges fail;
    `forgets`: what was on file is gone when it is to be charged; `loses_answers`: a charge is made,
    and nobody hears of it.
    """

    def __init__(
        self,
        name: str = "sandbox",
        currencies: tuple[str, ...] = ("USD",),
        **capabilities: bool,
    ) -> None:
        self.name = name
        self.capabilities = Capabilities(
            currencies, **{"partial_refunds": True, "cancel": True} | capabilities
        )
        self.states: dict[str, GatewayReport] = {}
        self.started: list[str] = []
        self.looked_up: list[str] = []
        self.completed: list[str] = []
        self.refunded: dict[str, GatewayRefund] = {}
        self.refunds_of: dict[str, set[str]] = defaultdict(set)
        self.refund_asks: list[str] = []
        self.refund_state = RefundState.SUCCEEDED
        self.refuses: Exception | None = None
        self.look_up_fails: Exception | None = None
        self.refund_fails: Exception | None = None
        self.events = 0
        self.on_file: set[str] = set()
        self.declines: dict[str, int] = {}
        self.forgets = False
        self.loses_answers = False
        self.charge_asks: list[str] = []
        self.turns = 0
        self.charging: set[str] = set()
        self.collided: list[Payment] = []
        self.charged: list[tuple[str, Money]] = []

    def away(self) -> None:
        self.refuses = self.look_up_fails = self.refund_fails = Unavailable("The gateway is away.")

    def back(self) -> None:
        self.refuses = self.look_up_fails = self.refund_fails = None

    def says(
        self, payment: Payment, state: GatewayState, paid: Money | None = None, **more: Any
    ) -> GatewayReport:
        fields = {
            "payment_id": payment.id,
            "session_id": payment.session_id or f"cs_{payment.id}",
            "state": state,
            "paid": paid,
            "failure_code": "declined" if state is GatewayState.FAILED else None,
            "reference": f"ref_{payment.id}" if paid is not None else None,
        } | more
        report = GatewayReport(**fields)
        self.states[payment.id] = report
        return report

    def notification(self, payment: Payment, **fields: Any) -> bytes:
        """A webhook's body; each is another event unless `event_id` says otherwise."""
        self.events += 1
        told = {
            "event_id": f"evt_{self.events}",
            "kind": "told",
            "payment_id": payment.id,
            "session_id": payment.session_id,
        }
        return json.dumps(told | fields).encode()

    def no(self) -> None:
        self.refuses = GatewayRefused(self.name, "no such merchant")

    async def start_checkout(self, payment: Payment) -> Checkout:
        await asyncio.sleep(0)
        self.started.append(payment.id)
        if self.refuses is not None:
            raise self.refuses
        return Checkout(f"cs_{payment.id}", f"https://{self.name}.example/cs_{payment.id}")

    async def look_up(self, payment: Payment) -> GatewayReport:
        self.looked_up.append(payment.id)
        return self._truth(payment)

    async def complete(self, payment: Payment) -> GatewayReport:
        self.completed.append(payment.id)
        return self._truth(payment)

    def _truth(self, payment: Payment) -> GatewayReport:
        if self.look_up_fails is not None:
            raise self.look_up_fails
        still_open = GatewayReport(payment.id, payment.session_id, GatewayState.OPEN)
        report = self.states.get(payment.id, still_open)
        ours = (
            told for refund, told in self.refunded.items() if refund in self.refunds_of[payment.id]
        )
        return replace(report, refunds=(*report.refunds, *ours))

    async def refund(self, payment: Payment, refund: Refund) -> GatewayRefund:
        await asyncio.sleep(0)
        self.refund_asks.append(refund.id)
        self.refunds_of[payment.id].add(refund.id)
        if self.refund_fails is not None:
            raise self.refund_fails
        amount = Money(refund.amount_minor, payment.price.currency)
        told = GatewayRefund(f"re_{refund.id}", amount, self.refund_state, refund.id)
        return self.refunded.setdefault(refund.id, told)

    async def cancel(self, payment: Payment) -> GatewayReport:
        return self.says(payment, GatewayState.CANCELLED)

    async def charge(self, payment: Payment) -> GatewayReport:
        if payment.id in self.charging:
            self.collided.append(payment)
            raise CallUnderWay("The same charge is under way.")
        self.charging.add(payment.id)
        try:
            for _ in range(self.turns):
                await asyncio.sleep(0)
            return self._charge(payment)
        finally:
            self.charging.discard(payment.id)

    def _charge(self, payment: Payment) -> GatewayReport:
        if self.refuses is not None:
            raise self.refuses
        if self.forgets:
            self.on_file.discard(payment.user_id)
        if payment.user_id not in self.on_file and payment.id not in self.states:
            raise GatewayRefused(self.name, "no_saved_method")
        self.charge_asks.append(payment.id)
        if payment.id not in self.states:
            declines = self.declines.get(payment.user_id, 0)
            self.declines[payment.user_id] = max(0, declines - 1)
            if declines:
                self.says(payment, GatewayState.FAILED, failure_code="card_declined")
            else:
                self.says(payment, GatewayState.PAID, payment.price)
                self.charged.append((payment.user_id, payment.price))
        if self.loses_answers:
            raise Unavailable("The answer got lost.")
        return self.states[payment.id]

    async def saved_method(self, user_id: str) -> SavedMethod | None:
        return SavedMethod("play money") if user_id in self.on_file else None

    async def forget_method(self, user_id: str) -> None: ...

    async def read_notification(self, body: bytes, headers: dict[str, str]) -> Notification | None:
        try:
            return Notification(**json.loads(body))
        except ValueError as error:
            raise InvalidRequest.of("body", "a notification") from error

    async def find_payment(self, notification: Notification) -> str | None:
        reference = notification.reference or ""
        return reference.removeprefix("ref_") if reference.startswith("ref_") else None

    async def close(self) -> None: ...
