"""Charging a user's saved method, without the payer."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from shothik_payment.domain.errors import CallUnderWay, GatewayRefused, Unavailable
from shothik_payment.domain.ledger.payment_commands import AttachCheckout
from shothik_payment.domain.ledger.subscription_commands import AskPayer
from shothik_payment.domain.model.payment import OPEN_STATUSES, Payment
from shothik_payment.domain.ports.gateway import GatewayReport, PaymentGateway
from shothik_payment.domain.use_cases.payment_commands import PaymentCommands
from shothik_payment.domain.use_cases.payments import Checkouts
from shothik_payment.domain.use_cases.settlements import Settlements

log = logging.getLogger(__name__)


class Charges:
    """`gateways` by name."""

    def __init__(
        self,
        commands: PaymentCommands,
        settlements: Settlements,
        checkouts: Checkouts,
        gateways: Mapping[str, PaymentGateway],
    ) -> None:
        self._commands = commands
        self._settlements = settlements
        self._checkouts = checkouts
        self._gateways = gateways

    async def on_file(self, gateway: str | None, user_id: str) -> bool:
        """Whether the gateway has a method of the user's to charge; not where it does not say."""
        chosen = self._gateways.get(gateway or "")
        if chosen is None or not chosen.capabilities.recurring:
            return False
        try:
            return await chosen.saved_method(user_id) is not None
        except Unavailable as error:
            log.warning("%s does not say what is on file: %s", chosen.name, error)
            return False

    async def charge(self, payment: Payment) -> None:
        """Charge a recorded payment, once however often this is called, and settle it. What has no
        answer may have been done, and is found out later. What is not open is not charged. Where
        there is no method to charge, a checkout is opened for the payer instead, as by
        `Checkouts.start`: raises what that does. Raises CallUnderWay where another process is
        charging it."""
        if payment.status not in OPEN_STATUSES:
            return
        try:
            report = await self.ask(payment)
            if report is not None:
                await self.settle(payment, report)
        except CallUnderWay:
            raise
        except Unavailable as error:
            log.warning("payment %s is charged later: %s", payment.id, error)
            return
        if report is None:
            await self.settle(payment, None)

    async def ask(self, payment: Payment) -> GatewayReport | None:
        """The gateway's part of `charge`, and nothing of ours; None: there is no method to charge.
        Raises Unavailable."""
        gateway = self._gateways.get(payment.gateway)
        if gateway is None:
            raise Unavailable("The payment's gateway is not configured any more.")
        try:
            return await gateway.charge(payment)
        except GatewayRefused:
            return None

    async def settle(self, payment: Payment, report: GatewayReport | None) -> None:
        """What comes of `ask`."""
        if report is None:
            asked = await self._commands.submit(AskPayer, payment)
            await self._checkouts.start(asked.payment or payment)
            return
        if not report.final and report.session_id:
            await self._commands.submit(
                AttachCheckout, payment, session_id=report.session_id, payment_url=None
            )
        await self._settlements.settle(payment, report)
