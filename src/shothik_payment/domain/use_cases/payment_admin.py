"""Payments as admins see them: refund, and decide about what is under review."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from shothik_payment.domain.errors import (
    GatewayRefused,
    NotFound,
    PartialRefundUnsupported,
    PaymentServiceError,
    Unavailable,
)
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.payment_commands import (
    AcceptPayment,
    BeginRefund,
    FailRefund,
    RecordRefund,
)
from shothik_payment.domain.ledger.writer import LedgerWriter
from shothik_payment.domain.model.identifiers import bucket_of
from shothik_payment.domain.model.payment import Payment, Refund
from shothik_payment.domain.model.time import MINUTE, Millis
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.gateway import PaymentGateway
from shothik_payment.domain.ports.ids import Ids
from shothik_payment.domain.ports.payments import Payments
from shothik_payment.domain.use_cases.payment_commands import PaymentCommands
from shothik_payment.domain.use_cases.requests import recall

log = logging.getLogger(__name__)

ASK_AGAIN_MS = 2 * MINUTE
"""Longer than a gateway takes for an answer."""


class PaymentAdmin:
    """`gateways` by name."""

    def __init__(
        self,
        writer: LedgerWriter,
        commands: PaymentCommands,
        payments: Payments,
        gateways: Mapping[str, PaymentGateway],
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._writer = writer
        self._commands = commands
        self._payments = payments
        self._gateways = gateways
        self._clock = clock
        self._ids = ids

    @property
    def gateway_names(self) -> list[str]:
        return list(self._gateways)

    async def get(self, payment_id: str) -> Payment:
        """Raises NotFound."""
        payment = await self._payments.get(payment_id)
        if payment is None:
            raise NotFound("payment", payment_id)
        return payment

    async def under_review(
        self, before: str | None, limit: int
    ) -> tuple[list[Payment], str | None]:
        found = await self._payments.under_review(before, limit + 1)
        page = found[:limit]
        return page, page[-1].id if len(found) > limit else None

    async def accept(
        self, payment_id: str, reason: str, request: RequestBinding | None = None
    ) -> Outcome:
        """End the review: grant what was asked for, unless it was granted before."""
        payment = await self.get(payment_id)
        return await self._commands.submit(AcceptPayment, payment, request, reason=reason)

    async def refund(
        self,
        payment_id: str,
        amount_minor: int | None,
        reason: str | None,
        request: RequestBinding | None = None,
    ) -> Outcome:
        """Reserve the credits in question, then ask the gateway. `amount_minor` None: all that is
        left. Where the gateway does not answer, the refund is pending, and is asked for again.

        Raises NotFound, GatewayRefused, and what `BeginRefund` is refused with.
        """
        payment = await self.get(payment_id)
        try:
            self._require_refundable(payment, amount_minor)
        except PaymentServiceError as refusal:
            return await recall(
                self._writer, self._clock, self._ids, payment.user_id, request, refusal
            )
        refund_id = f"rfd_{bucket_of(payment.user_id)}{self._ids.next()}"
        begun = await self._commands.submit(
            BeginRefund,
            payment,
            request,
            refund_id=refund_id,
            amount_minor=amount_minor,
            next_check_at=Millis(self._clock.now() + ASK_AGAIN_MS),
            reason=reason,
        )
        if begun.replayed or begun.payment is None:
            return begun
        refund = next(r for r in begun.payment.refunds if r.id == refund_id)
        return Outcome(payment=await self.ask(begun.payment, refund, request))

    async def ask(
        self, payment: Payment, refund: Refund, request: RequestBinding | None = None
    ) -> Payment:
        """Ask the gateway for a pending refund, and record its answer. Raises GatewayRefused, after
        which the credits are free again; without an answer it stays pending."""
        try:
            told = await self._gateway(payment).refund(payment, refund)
        except Unavailable as error:
            log.warning("refund %s is asked for again: %s", refund.id, error)
            return payment
        except GatewayRefused as error:
            await self._commands.submit(
                FailRefund,
                payment,
                refund_id=refund.id,
                failure_code=error.reason,
                request_key=request.key if request is not None else None,
            )
            raise
        recorded = await self._commands.submit(RecordRefund, payment, refund=told)
        return recorded.payment or payment

    def _require_refundable(self, payment: Payment, amount_minor: int | None) -> None:
        gateway = self._gateway(payment)
        whole = amount_minor in (None, payment.refundable_minor) and not payment.refunded_minor
        if not whole and not gateway.capabilities.partial_refunds:
            raise PartialRefundUnsupported(gateway.name)

    def _gateway(self, payment: Payment) -> PaymentGateway:
        gateway = self._gateways.get(payment.gateway)
        if gateway is None:
            raise Unavailable("The payment's gateway is not configured any more.")
        return gateway
