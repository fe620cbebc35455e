"""Settling payments: the gateway is asked for the truth, and the payment is brought to where the
gateway says it is. Told twice, late or out of order it changes nothing."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from shothik_payment.domain.errors import GatewayRefused, NotFound, PaymentNotOpen, Unavailable
from shothik_payment.domain.ledger.payment_commands import (
    AuthorisePayment,
    ClosePayment,
    RecordDispute,
    RecordRefund,
    SettlePayment,
)
from shothik_payment.domain.model.payment import Payment, PaymentStatus
from shothik_payment.domain.ports.gateway import GatewayReport, GatewayState, PaymentGateway
from shothik_payment.domain.ports.payments import Payments
from shothik_payment.domain.use_cases.payment_commands import PaymentCommands

log = logging.getLogger(__name__)

_CLOSED_BY = {
    GatewayState.FAILED: PaymentStatus.FAILED,
    GatewayState.CANCELLED: PaymentStatus.CANCELLED,
    GatewayState.EXPIRED: PaymentStatus.EXPIRED,
}


class Settlements:
    """`gateways` by name."""

    def __init__(
        self,
        commands: PaymentCommands,
        payments: Payments,
        gateways: Mapping[str, PaymentGateway],
    ) -> None:
        self._commands = commands
        self._payments = payments
        self._gateways = gateways

    async def settle(self, payment: Payment, report: GatewayReport) -> None:
        """Bring the payment to where the gateway says it is."""
        if report.state is GatewayState.AUTHORISED:
            await self._commands.submit(AuthorisePayment, payment)
        elif report.state in _CLOSED_BY:
            await self.close(
                payment, _CLOSED_BY[report.state], report.failure_code, report.session_id
            )
        elif report.state is GatewayState.PAID and report.paid is not None:
            outcome = await self._commands.submit(
                SettlePayment,
                payment,
                paid=report.paid,
                reference=report.reference,
                session_id=report.session_id,
                meant_for=report.payment_id,
            )
            settled = outcome.payment
            if settled is None or settled.reference not in (None, report.reference):
                return  # paid once more: the credits do not hang on that money
            for refund in report.refunds:
                await self._commands.submit(RecordRefund, payment, refund=refund)
            for dispute in report.disputes:
                await self._commands.submit(RecordDispute, payment, dispute=dispute)

    async def close(
        self,
        payment: Payment,
        status: PaymentStatus,
        code: str | None,
        session_id: str | None = None,
    ) -> None:
        """Its checkout has ended unpaid; nothing where it is final already."""
        try:
            await self._commands.submit(
                ClosePayment, payment, status=status, failure_code=code, session_id=session_id
            )
        except PaymentNotOpen:
            return  # a late or repeated word has no second effect

    async def returned(self, name: str, session_id: str) -> tuple[Payment, str | None]:
        """The payer's browser has come back from the gateway: the payment as the gateway has it by
        now, and where the browser has to go on, where that is at the gateway. Nothing that the
        browser says is believed. Raises NotFound."""
        gateway = self._gateways.get(name)
        if gateway is None:
            raise NotFound("gateway", name)
        payment = await self._payments.by_session(name, session_id)
        if payment is None:
            raise NotFound("checkout", session_id)
        try:
            report = await gateway.complete(payment)
            await self.settle(payment, report)
        except (Unavailable, GatewayRefused) as error:
            log.warning("payment %s is asked for later: %s", payment.id, error)
            return payment, None
        return await self._payments.get(payment.id) or payment, report.continue_url
