"""The sweep: gateways are asked about payments that are due, and about refunds that are pending."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from shothik_payment.domain.errors import Conflict, PaymentServiceError, Unavailable, loggable
from shothik_payment.domain.ledger.payment_commands import PostponeCheck
from shothik_payment.domain.ledger.subscription_charges import FIRST_CHECK_MS
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
_AT_ONCE = 10
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
        self._passed: dict[str | None, Payment | None] = {}

    @property
    def lanes(self) -> list[str]:
        """A batch of one of these waits for no other's: each gateway, and "" for payments whose
        gateway is not configured any more."""
        return [*self._gateways, ""]

    async def check_due(
        self, partitions: Collection[int] = range(PARTITIONS), lane: str | None = None
    ) -> int:
        """Ask the gateways about a batch of payments that are due for it, of users in the
        partitions and in the lane (None: in any); how many could be moved, or `CHECK_BATCH` where
        there may be more to look at.

        A batch goes on behind one in which something was left: for another process or lane, of a
        gateway that is left alone, or what could not be moved. So that holds up nothing; it comes
        again when the others are through.
        """
        if lane and self._turns.silent_until(lane) is not None:
            return 0
        # Of all that is due, as much as has one's own batch in it.
        most, passed = CHECK_BATCH * PARTITIONS // max(len(partitions), 1), self._passed.get(lane)
        batch = await self._payments.to_check(self._clock.now(), most, passed, lane or None)
        own = [p for p in batch if partition_of(p.user_id) in partitions and self._in(lane, p)]
        due = [p for p in own if self._turns.silent_until(p.gateway) is None][:CHECK_BATCH]
        last = due[-1] if len(due) == CHECK_BATCH else batch[-1] if len(batch) == most else None
        looked_at = len(batch) if last is None else batch.index(last) + 1
        moved = await _in_tens(self._claim, sorted(due, key=_turn))
        claimed = [payment for found in moved for payment in found or ()]
        failed = moved.count(None)
        if last is None or len(due) - failed < looked_at:
            self._passed[lane] = last
        asking = (_alone(self._check_claimed, payment) for payment in claimed)
        asked = await asyncio.gather(*asking)
        left = [payment for payment, was in zip(claimed, asked, strict=True) if was is False]
        await _in_tens(self._give_back, left)
        return len(due) - failed if last is None else CHECK_BATCH

    def _in(self, lane: str | None, payment: Payment) -> bool:
        name = payment.gateway if payment.gateway in self._gateways else ""
        return lane in (None, name)

    def silence_ends(self, after: Millis) -> Millis | None:
        """The first time later than `after` at which a gateway that is left alone, with payments
        due, is asked again; None: there is none."""
        ends = [self._turns.silent_until(name) for name in self._gateways]
        return min((end for end in ends if end is not None and end > after), default=None)

    async def _claim(self, payment: Payment) -> list[Payment]:
        """Whoever moves it asks; who is killed at it is followed by another one later. Empty: it
        is for somebody else."""
        now = self._clock.now()
        if payment.next_check_at is None:
            return []
        self._observer.late("payment check", (now - payment.next_check_at) / SECOND)
        try:
            moved = await self._commands.submit(
                PostponeCheck,
                payment,
                seen=payment.next_check_at,
                next_check_at=Millis(now + _pause(payment, now)),
            )
        except Conflict:
            return []
        return [moved.payment] if moved.payment is not None else []

    async def _give_back(self, payment: Payment) -> None:
        """It was claimed before its gateway fell silent. Its turn comes when the silence is over,
        before those that the silence began with, who have been asked about."""
        if payment.next_check_at is None:
            return
        now = self._clock.now()
        with suppress(Conflict):  # something has become of it meanwhile
            await self._commands.submit(
                PostponeCheck,
                payment,
                seen=payment.next_check_at,
                next_check_at=self._turns.silent_until(payment.gateway) or now,
                given_back=True,
            )

    async def _check_claimed(self, payment: Payment) -> bool:
        """Whether the gateway could be asked, or is none any more."""
        gateway = self._gateways.get(payment.gateway)
        patience = 0
        try:
            if gateway is not None:
                async with self._turns.turn(gateway.name):
                    # Much may have become of it while others had their turns.
                    await self._ask(gateway, await self._payments.get(payment.id) or payment)
        except LeftAlone:
            return False
        except PaymentServiceError as error:
            log.warning("payment %s could not be checked: %s", payment.id, error)
            patience = _UNANSWERED_MS if isinstance(error, Unavailable) else 0
        age = self._clock.now() - payment.created_at
        if age <= LAST_CHECK_AFTER_MS:
            return True
        current = await self._payments.get(payment.id) or payment
        if current.status in _WAIT_MS and age > _WAIT_MS[current.status] + patience:
            await self._give_up(gateway, current)
        return True

    async def _ask(self, gateway: PaymentGateway, payment: Payment) -> None:
        if payment.session_id is None and payment.status in OPEN_STATUSES:
            if payment.off_session:
                report = await self._turns.ask(gateway.name, self._charges.ask(payment))
                await self._charges.settle(payment, report)
                return
            payment = await self._checkouts.start(payment)
        for refund in payment.pending_refunds:
            if refund.gateway_id is None:
                await self._admin.ask(payment, refund)
        if payment.status in OPEN_STATUSES:
            asking = gateway.complete(payment)
        else:
            asking = gateway.look_up(payment)
        await self._settlements.settle(payment, await self._turns.ask(gateway.name, asking))

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


async def _in_tens(
    step: Callable[[Payment], Awaitable[T]], payments: Sequence[Payment]
) -> list[T | None]:
    done: list[T | None] = []
    for first in range(0, len(payments), _AT_ONCE):
        some = payments[first : first + _AT_ONCE]
        done += await asyncio.gather(*(_alone(step, payment) for payment in some))
    return done


async def _alone(step: Callable[[Payment], Awaitable[T]], payment: Payment) -> T | None:
    """None where it fails, which must not hold up the others."""
    try:
        return await step(payment)
    except Exception as error:  # noqa: BLE001 logged; the payment comes again
        log.warning("payment %s could not be checked: %s", payment.id, loggable(error))
        return None


def _turn(payment: Payment) -> tuple[int, bool]:
    """Who has been asked about least often goes first, so that a few payments that are never
    answered do not bring on one silence after the other; then whoever has a payer who waits."""
    return payment.checks, payment.off_session and payment.status in OPEN_STATUSES


def _pause(payment: Payment, now: Millis) -> int:
    """A payer is waited for more closely than a bank."""
    if payment.status not in OPEN_STATUSES:
        return growing_pause(ASK_AGAIN_MS, payment.checks, 6 * HOUR)
    young = now - payment.created_at < HOUR
    return growing_pause(FIRST_CHECK_MS, payment.checks, MINUTE if young else HOUR)
