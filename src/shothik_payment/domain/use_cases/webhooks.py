"""Webhooks: verified and stored before they are acknowledged, then a reason to ask the gateway."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace

from shothik_payment.domain.errors import NotFound, PaymentServiceError, Unavailable, loggable
from shothik_payment.domain.model.payment import OPEN_STATUSES, Payment
from shothik_payment.domain.model.time import DAY, HOUR, SECOND, Millis, growing_pause
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.gateway import GatewayState, Notification, PaymentGateway
from shothik_payment.domain.ports.observer import UNOBSERVED, Observer
from shothik_payment.domain.ports.payments import Payments
from shothik_payment.domain.ports.webhook_inbox import Webhook, WebhookInbox
from shothik_payment.domain.use_cases.charges import Charges
from shothik_payment.domain.use_cases.gateway_turns import GatewayTurns
from shothik_payment.domain.use_cases.payments import Checkouts
from shothik_payment.domain.use_cases.settlements import Settlements

log = logging.getLogger(__name__)

WEBHOOK_BATCH = 50
_FIRST_RETRY_MS = 5 * SECOND
_GIVE_UP_MS = 3 * DAY
_PROMPT_MS = 3 * SECOND
"""For this long a webhook is left to the process that has received it."""
_PROMPT_SECONDS = 1.0
"""For this long its answer waits for what comes of it."""
_MAX_PROMPT = 16
"""Webhooks of a gateway that the receiving process has in hand at a time."""


class Webhooks:
    """`gateways` by name."""

    def __init__(
        self,
        settlements: Settlements,
        checkouts: Checkouts,
        charges: Charges,
        payments: Payments,
        gateways: Mapping[str, PaymentGateway],
        inbox: WebhookInbox,
        turns: GatewayTurns,
        clock: Clock,
        observer: Observer = UNOBSERVED,
    ) -> None:
        self._settlements = settlements
        self._checkouts = checkouts
        self._charges = charges
        self._payments = payments
        self._gateways = gateways
        self._inbox = inbox
        self._turns = turns
        self._clock = clock
        self._observer = observer
        self._prompt: set[asyncio.Task[None]] = set()

    async def hear(self, gateway: str, body: bytes, headers: dict[str, str]) -> None:
        """A gateway's notification: verified and stored for good before this returns, and handled
        soon. Raises NotFound, Unauthenticated, InvalidRequest, Unavailable."""
        chosen = self._gateways.get(gateway)
        if chosen is None:
            raise NotFound("gateway", gateway)
        try:
            notification = await chosen.read_notification(body, headers)
        except PaymentServiceError:
            self._observer.webhook_received(gateway, "refused")
            raise
        if notification is None:
            self._observer.webhook_received(gateway, "ignored")
            return
        webhook = Webhook(gateway, notification, self._clock.now())
        if not await self._inbox.add(webhook):
            self._observer.webhook_received(gateway, "repeated")
            return
        self._observer.webhook_received(gateway, "stored")
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
        due = await self._inbox.due(Millis(self._clock.now() - _PROMPT_MS), WEBHOOK_BATCH)
        await asyncio.gather(*(self._handle(webhook) for webhook in due))
        return len(due)

    async def _handle(self, webhook: Webhook) -> None:
        try:
            with self._observer.webhook(webhook.gateway) as step:
                try:
                    async with self._turns.turn(webhook.gateway, prompt=True):
                        result = await self._consider(webhook.gateway, webhook.notification)
                except Exception as error:  # noqa: BLE001 it is stored, and tried again
                    step.outcome = "put off"
                    await self._put_off(webhook, error)
                else:
                    step.outcome = result
                    await self._inbox.handled(webhook, result, self._clock.now())
        except Exception as error:  # noqa: BLE001 it is due still, and holds up no other
            log.warning("a webhook of %s stays as it is: %s", webhook.gateway, loggable(error))

    async def _put_off(self, webhook: Webhook, error: Exception) -> None:
        now = self._clock.now()
        log.warning("a webhook of %s is tried again: %s", webhook.gateway, loggable(error))
        if now - webhook.received_at >= _GIVE_UP_MS:
            await self._inbox.handled(webhook, f"given up: {loggable(error)}", now)
            return
        pause = growing_pause(_FIRST_RETRY_MS, webhook.attempts, HOUR)
        await self._inbox.postpone(webhook, Millis(now + pause))

    async def _consider(self, name: str, notification: Notification) -> str:
        gateway = self._gateways.get(name)
        if gateway is None:
            raise Unavailable("The gateway is not configured any more.")
        payment = await self._find(gateway, notification)
        if payment is None:
            return "not one of ours"
        if payment.session_id is None and payment.status in OPEN_STATUSES:
            if payment.off_session:
                asking = self._charges.ask(payment)
                await self._charges.settle(payment, await self._turns.ask(name, asking))
                return "charged"
            payment = await self._checkouts.start(payment)
        told_in, own = notification.session_id, payment.session_id
        if told_in is not None:
            # What was paid in that checkout, whatever is known of the payment's money by now.
            payment = replace(payment, session_id=told_in, reference=None)
        report = await self._turns.ask(name, gateway.look_up(payment))
        if told_in not in (None, own) and report.state is not GatewayState.PAID:
            return "a checkout that is not the payment's"
        await self._settlements.settle(payment, report)
        return "settled"

    async def _find(self, gateway: PaymentGateway, notification: Notification) -> Payment | None:
        payment_id = notification.payment_id
        if payment_id is None:
            finding = gateway.find_payment(notification)
            payment_id = await self._turns.ask(gateway.name, finding)
        payment = None if payment_id is None else await self._payments.get(payment_id)
        return payment if payment is not None and payment.gateway == gateway.name else None
