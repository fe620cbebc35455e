"""The sweep: gateways are asked about payments that are due, and about refunds that are pending."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Collection, Mapping
from typing import TypeVar

from shothik_payment.domain.errors import Conflict, PaymentServiceError, Unavailable, loggable
from shothik_payment.domain.ledger.commands import PostponeCheck
from shothik_payment.domain.ledger.renewals import FIRST_CHECK_MS
from shothik_payment.domain.model.payment import OPEN_STATUSES, Payment, PaymentStatus
from shothik_payment.domain.model.time import DAY, HOUR, MINUTE, SECOND, Millis, growing_pause
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.event_log import PARTITIONS, partition_of
from shothik_payment.domain.ports.gateway import GatewayState, PaymentGateway
from shothik_payment.domain.ports.observer import UNOBSERVED, Observer
from shothik_payment.domain.ports.payments import Payments
from shothik_payment.domain.use_cases.charges import Charges
from shothik_payment.domain.use_cases.gateway_turns import GatewayTurns, LeftAlone
from shothik_payment.domain.use_cases.payment_admin import ASK_AGAIN_MS, PaymentAdmin
from shothik_payment.domain.use_cases.payment_commands import PaymentCommands
from shothik_payment.domain.use_cases.payments import Checkouts
from shothik_payment.domain.use_cases.settlements import Settlements

log = logging.getLogger(__name__)

T = TypeVar("T")

CHECK_BATCH = 50
_CLAIMED_AT_ONCE = 10
"""In one commit: so few that requests do not wait long behind it."""
LAST_CHECK_AFTER_MS = 3 * DAY
_WAIT_MS = {
    PaymentStatus.CREATED: LAST_CHECK_AFTER_MS,
    PaymentStatus.PENDING: LAST_CHECK_AFTER_MS,
    PaymentStatus.AUTHORISED: 30 * DAY,
}
"""After which an unpaid payment is given up; money on its way takes a bank's time."""
_UNANSWERED_MS = 7 * DAY
"""So much longer where the gateway does not say what became of it."""


class PaymentChecks:
    """`gateways` by name."""

    def __init__(
        self,
        commands: PaymentCommands,
        settlements: Settlements,
        checkouts: Checkouts,
        charges: Charges,
        admin: PaymentAdmin,
        payments: Payments,
        gateways: Mapping[str, PaymentGateway],
        turns: GatewayTurns,
        clock: Clock,
        observer: Observer = UNOBSERVED,
    ) -> None:
        self._commands = commands
        self._settlements = settlements
        self._checkouts = checkouts
        self._charges = charges
        self._admin = admin
        self._payments = payments
        self._gateways = gateways
        self._turns = turns
        self._clock = clock
        self._observer = observer

    async def check_due(self, partitions: Collection[int] = range(PARTITIONS)) -> int:
        """Ask the gateways about payments that are due for it, of users in the partitions; how many
        there were. What is for others is soon out of their way: whoever asks puts it off first."""
        # Of all that is due, as much as has one's own batch in it.
        most = CHECK_BATCH * PARTITIONS // max(len(partitions), 1)
        found = await self._payments.to_check(self._clock.now(), most)
        own = [payment for payment in found if partition_of(payment.user_id) in partitions]
        due = own[:CHECK_BATCH]
        claimed: list[Payment | None] = []
        for first in range(0, len(due), _CLAIMED_AT_ONCE):
            some = due[first : first + _CLAIMED_AT_ONCE]
            claimed += await asyncio.gather(*(_alone(p, self._claim(p)) for p in some))
        await asyncio.gather(*(_alone(p, self._check_claimed(p)) for p in claimed if p))
        return len(due)

    async def _claim(self, payment: Payment) -> Payment | None:
        """Whoever moves it asks; who is killed at it is followed by another one later. None: it
        is for somebody else."""
        now = self._clock.now()
        if payment.next_check_at is None:
            return None
        self._observer.late("payment check", (now - payment.next_check_at) / SECOND)
        try:
            moved = await self._commands.submit(
                PostponeCheck,
                payment,
                seen=payment.next_check_at,
                next_check_at=Millis(now + _pause(payment, now)),
            )
        except Conflict:
            return None
        return moved.payment

    async def _check_claimed(self, payment: Payment) -> None:
        gateway = self._gateways.get(payment.gateway)
        patience = 0
        try:
            if gateway is not None:
                async with self._turns.turn(gateway.name):
                    # Much may have become of it while others had their turns.
                    await self._ask(gateway, await self._payments.get(payment.id) or payment)
        except LeftAlone:
            return
        except PaymentServiceError as error:
            log.warning("payment %s could not be checked: %s", payment.id, error)
            patience = _UNANSWERED_MS if isinstance(error, Unavailable) else 0
        age = self._clock.now() - payment.created_at
        if age <= LAST_CHECK_AFTER_MS:
            return
        current = await self._payments.get(payment.id) or payment
        if current.status in _WAIT_MS and age > _WAIT_MS[current.status] + patience:
            await self._give_up(gateway, current)

    async def _ask(self, gateway: PaymentGateway, payment: Payment) -> None:
        if payment.session_id is None:
            if payment.off_session:
                await self._turns.ask(gateway.name, self._charges.charge(payment))
                return
            payment = await self._checkouts.start(payment)
        for refund in payment.pending_refunds:
            if refund.gateway_id is None:
                await self._admin.ask(payment, refund)
        if payment.status in OPEN_STATUSES:
            asking = gateway.complete(payment)
        else:
            asking = gateway.look_up(payment)
        report = await self._turns.ask(gateway.name, asking)
        await self._settlements.settle(payment, report)

    async def _give_up(self, gateway: PaymentGateway | None, payment: Payment) -> None:
        if gateway is not None and gateway.capabilities.cancel and payment.session_id:
            try:
                async with self._turns.turn(gateway.name):
                    report = await self._turns.ask(gateway.name, gateway.cancel(payment))
            except (PaymentServiceError, LeftAlone) as error:
                log.warning("payment %s could not be cancelled: %s", payment.id, loggable(error))
            else:
                if report.state in (GatewayState.PAID, GatewayState.AUTHORISED):
                    await self._settlements.settle(payment, report)
                    return
        await self._settlements.close(payment, PaymentStatus.EXPIRED, "not_paid_in_time")


async def _alone(payment: Payment, step: Awaitable[T]) -> T | None:
    """None where it fails, which must not hold up the others."""
    try:
        return await step
    except Exception as error:  # noqa: BLE001 logged; the payment comes again
        log.warning("payment %s could not be checked: %s", payment.id, loggable(error))
        return None


def _pause(payment: Payment, now: Millis) -> int:
    """A payer is waited for more closely than a bank."""
    if payment.status not in OPEN_STATUSES:
        return growing_pause(ASK_AGAIN_MS, payment.checks, 6 * HOUR)
    young = now - payment.created_at < HOUR
    return growing_pause(FIRST_CHECK_MS, payment.checks, MINUTE if young else HOUR)
