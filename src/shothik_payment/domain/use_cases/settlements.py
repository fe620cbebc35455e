"""Settling payments: whatever is heard of one, the gateway is asked for the truth, and the payment
is brought to where the gateway says it is. Told twice, late or out of order it changes nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shothik_payment.domain.errors import (
    Conflict,
    GatewayRefused,
    NotFound,
    PaymentNotOpen,
    PaymentServiceError,
    Unavailable,
)
from shothik_payment.domain.ledger import commands as c
from shothik_payment.domain.ledger.writer import LedgerWriter
from shothik_payment.domain.model.payment import OPEN_STATUSES, Payment, PaymentStatus
from shothik_payment.domain.model.time import DAY, HOUR, MINUTE, SECOND, Millis
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.gateway import (
    GatewayReport,
    GatewayState,
    Notification,
    PaymentGateway,
)
from shothik_payment.domain.ports.ids import Ids
from shothik_payment.domain.ports.payments import Payments
from shothik_payment.domain.ports.webhook_inbox import Webhook, WebhookInbox
from shothik_payment.domain.use_cases.gateway_turns import GatewayTurns, LeftAlone
from shothik_payment.domain.use_cases.payment_admin import ASK_AGAIN_MS, PaymentAdmin
from shothik_payment.domain.use_cases.payments import FIRST_CHECK_MS, Checkouts

log = logging.getLogger(__name__)

LAST_CHECK_AFTER_MS = 3 * DAY
_WAIT_MS = {
    PaymentStatus.CREATED: LAST_CHECK_AFTER_MS,
    PaymentStatus.PENDING: LAST_CHECK_AFTER_MS,
    PaymentStatus.AUTHORISED: 30 * DAY,
}
"""After which an unpaid payment is given up; money on its way takes a bank's time."""
CHECK_BATCH = 50
_UNANSWERED_MS = 7 * DAY
"""So much longer where the gateway does not say what became of it."""
_FIRST_RETRY_MS = 5 * SECOND
_GIVE_UP_MS = 3 * DAY
_PROMPT_MS = 3 * SECOND
"""For this long a webhook is left to the process that has received it."""
_PROMPT_SECONDS = 1.0
"""For this long its answer waits for what comes of it."""
_MAX_PROMPT = 16
"""Webhooks of a gateway that the receiving process handles at a time."""

_CLOSED_BY = {
    GatewayState.FAILED: PaymentStatus.FAILED,
    GatewayState.CANCELLED: PaymentStatus.CANCELLED,
    GatewayState.EXPIRED: PaymentStatus.EXPIRED,
}


class Settlements:
    """`gateways` by name."""

    def __init__(
        self,
        writer: LedgerWriter,
        payments: Payments,
        gateways: Mapping[str, PaymentGateway],
        inbox: WebhookInbox,
        checkouts: Checkouts,
        admin: PaymentAdmin,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._writer = writer
        self._payments = payments
        self._gateways = gateways
        self._inbox = inbox
        self._checkouts = checkouts
        self._admin = admin
        self._clock = clock
        self._ids = ids
        self._turns = GatewayTurns(clock)
        self._prompt: set[asyncio.Task[None]] = set()

    # Webhooks

    async def hear(self, gateway: str, body: bytes, headers: dict[str, str]) -> None:
        """A gateway's notification: verified and stored for good before this returns, and handled
        soon. Raises NotFound, Unauthenticated, InvalidRequest, Unavailable."""
        chosen = self._gateways.get(gateway)
        if chosen is None:
            raise NotFound("gateway", gateway)
        notification = await chosen.read_notification(body, headers)
        if notification is None:
            return
        webhook = Webhook(gateway, notification, self._clock.now())
        if not await self._inbox.add(webhook):
            return
        if sum(task.get_name() == gateway for task in self._prompt) >= _MAX_PROMPT:
            return
        task = asyncio.get_running_loop().create_task(self._handle(webhook), name=gateway)
        self._prompt.add(task)
        task.add_done_callback(self._prompt.discard)
        await asyncio.wait({task}, timeout=_PROMPT_SECONDS)

    async def close(self) -> None:
        """Let go of what is being handled; it stays stored, and is handled again."""
        for task in self._prompt:
            task.cancel()
        await asyncio.gather(*self._prompt, return_exceptions=True)

    async def handle_due(self) -> int:
        """Handle stored webhooks whose time has come; how many."""
        due = await self._inbox.due(Millis(self._clock.now() - _PROMPT_MS), CHECK_BATCH)
        await asyncio.gather(*(self._handle(webhook) for webhook in due))
        return len(due)

    async def _handle(self, webhook: Webhook) -> None:
        now = self._clock.now()
        try:
            async with self._turns.turn(webhook.gateway):
                result = await self._consider(webhook.gateway, webhook.notification)
        except Exception as error:  # noqa: BLE001 it is stored, and tried again
            log.warning("a webhook of %s is tried again: %s", webhook.gateway, _words(error))
            if now - webhook.received_at < _GIVE_UP_MS:
                pause = min(_FIRST_RETRY_MS * 2 ** min(webhook.attempts, 16), HOUR)
                await self._inbox.postpone(webhook, Millis(now + pause))
                return
            result = f"given up: {_words(error)}"
        await self._inbox.handled(webhook, result, now)

    async def _consider(self, name: str, notification: Notification) -> str:
        gateway = self._gateways.get(name)
        if gateway is None:
            raise Unavailable("The gateway is not configured any more.")
        payment = await self._find(gateway, notification)
        if payment is None:
            return "not one of ours"
        if payment.session_id is None:
            payment = await self._checkouts.start(payment)
        told_in, own = notification.session_id, payment.session_id
        if told_in is not None:
            # What was paid in that checkout, whatever is known of the payment's money by now.
            payment = replace(payment, session_id=told_in, reference=None)
        report = await self._turns.ask(name, gateway.look_up(payment))
        if told_in not in (None, own) and report.state is not GatewayState.PAID:
            return "a checkout that is not the payment's"
        await self.settle(payment, report)
        return "settled"

    async def _find(self, gateway: PaymentGateway, notification: Notification) -> Payment | None:
        payment_id = notification.payment_id
        if payment_id is None:
            finding = gateway.find_payment(notification)
            payment_id = await self._turns.ask(gateway.name, finding)
        payment = None if payment_id is None else await self._payments.get(payment_id)
        return payment if payment is not None and payment.gateway == gateway.name else None

    # The browser

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

    # Settling

    async def settle(self, payment: Payment, report: GatewayReport) -> None:
        """Bring the payment to where the gateway says it is."""
        if report.state is GatewayState.AUTHORISED:
            await self._submit(c.AuthorisePayment, payment)
        elif report.state in _CLOSED_BY:
            await self._close(payment, _CLOSED_BY[report.state], report.failure_code)
        elif report.state is GatewayState.PAID and report.paid is not None:
            settled = await self._submit(
                c.SettlePayment,
                payment,
                paid=report.paid,
                reference=report.reference,
                session_id=report.session_id,
                meant_for=report.payment_id,
            )
            if settled is None or settled.reference not in (None, report.reference):
                return  # paid once more: the credits do not hang on that money
            for refund in report.refunds:
                await self._submit(c.RecordRefund, payment, refund=refund)
            for dispute in report.disputes:
                await self._submit(c.RecordDispute, payment, dispute=dispute)

    async def _close(self, payment: Payment, status: PaymentStatus, code: str | None) -> None:
        try:
            await self._submit(c.ClosePayment, payment, status=status, failure_code=code)
        except PaymentNotOpen:
            return  # it is final already; a late or repeated word has no second effect

    async def _submit(
        self, kind: type[c.OfPayment], payment: Payment, **fields: Any
    ) -> Payment | None:
        outcome = await self._writer.submit(
            kind(
                id=self._ids.next(),
                user_id=payment.user_id,
                at=self._clock.now(),
                payment_id=payment.id,
                **fields,
            )
        )
        return outcome.payment

    # The sweep

    async def check_due(self) -> int:
        """Ask the gateways about the payments that are due for it; how many were due."""
        due = await self._payments.to_check(self._clock.now(), CHECK_BATCH)
        await asyncio.gather(*(self._check(payment) for payment in due))
        return len(due)

    async def _check(self, payment: Payment) -> None:
        try:
            await self._check_one(payment)
        except Exception as error:  # noqa: BLE001 it must not hold up the others
            log.warning("payment %s could not be checked: %s", payment.id, _words(error))

    async def _check_one(self, payment: Payment) -> None:
        now = self._clock.now()
        if payment.next_check_at is None:
            return
        # Whoever moves it asks; who is killed at it is followed by another one later.
        try:
            await self._submit(
                c.PostponeCheck,
                payment,
                seen=payment.next_check_at,
                next_check_at=Millis(now + _pause(payment, now)),
            )
        except Conflict:
            return
        gateway = self._gateways.get(payment.gateway)
        patience = 0
        try:
            if gateway is not None:
                async with self._turns.turn(gateway.name):
                    await self._ask(gateway, await self._payments.get(payment.id) or payment)
        except LeftAlone:
            return
        except PaymentServiceError as error:
            log.warning("payment %s could not be checked: %s", payment.id, error)
            patience = _UNANSWERED_MS if isinstance(error, Unavailable) else 0
        current = await self._payments.get(payment.id) or payment
        if now - current.created_at > _WAIT_MS.get(current.status, now) + patience:
            await self._give_up(gateway, current)

    async def _give_up(self, gateway: PaymentGateway | None, payment: Payment) -> None:
        if gateway is not None and gateway.capabilities.cancel and payment.session_id:
            try:
                async with self._turns.turn(gateway.name):
                    report = await self._turns.ask(gateway.name, gateway.cancel(payment))
            except PaymentServiceError as error:
                log.warning("payment %s could not be cancelled: %s", payment.id, error)
            else:
                if report.state in (GatewayState.PAID, GatewayState.AUTHORISED):
                    await self.settle(payment, report)
                    return
        await self._close(payment, PaymentStatus.EXPIRED, "not_paid_in_time")

    async def _ask(self, gateway: PaymentGateway, payment: Payment) -> None:
        if payment.session_id is None:
            payment = await self._checkouts.start(payment)
        for refund in payment.pending_refunds:
            if refund.gateway_id is None:
                await self._admin.ask(payment, refund)
        if payment.status in OPEN_STATUSES:
            asking = gateway.complete(payment)
        else:
            asking = gateway.look_up(payment)
        await self.settle(payment, await self._turns.ask(gateway.name, asking))


def _pause(payment: Payment, now: Millis) -> int:
    """Growing with each check; a payer is waited for more closely than a bank."""
    if payment.status in OPEN_STATUSES:
        first, longest = FIRST_CHECK_MS, MINUTE if now - payment.created_at < HOUR else HOUR
    else:
        first, longest = ASK_AGAIN_MS, 6 * HOUR
    growing: int = first * 2 ** min(payment.checks, 16)
    return min(growing, longest)


def _words(error: Exception) -> str:
    """What may be shown of it: only our own errors are known to hold nothing secret."""
    return str(error) if isinstance(error, PaymentServiceError) else type(error).__name__
