"""What a request about a subscription finds done under its key when it comes again."""

from __future__ import annotations

from contextlib import suppress

from shothik_payment.domain.errors import PaymentNotOpen
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.writer import LedgerWriter
from shothik_payment.domain.model.payment import Payment, PaymentStatus
from shothik_payment.domain.model.time import MINUTE
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.ids import Ids
from shothik_payment.domain.ports.payments import Payments
from shothik_payment.domain.use_cases.payments import Checkouts
from shothik_payment.domain.use_cases.requests import bound_by, recall, second_step

_GOES_ON_MS = 10 * MINUTE
"""As long as finished answers are kept. Who repeats a request so soon may have had no answer, and
it goes on; later it does nothing more. What came to nothing binds nothing in any case."""


class Repeats:
    def __init__(
        self, writer: LedgerWriter, payments: Payments, checkouts: Checkouts, clock: Clock, ids: Ids
    ) -> None:
        self._writer = writer
        self._payments = payments
        self._checkouts = checkouts
        self._clock = clock
        self._ids = ids

    async def came_to_nothing(self, outcome: Outcome, request: RequestBinding | None) -> bool:
        """Whether what a repeat finds was given up before the payer had a link, be it by whoever
        was refused and died before the key was free, or by the sweep. The key is free then."""
        first, link = outcome.payment, second_step(request)
        if not outcome.replayed or first is None or first.status is not PaymentStatus.FAILED:
            return False
        refusal = PaymentNotOpen(first.id, first.status)
        last, bound = outcome, bound_by(request, outcome)
        with suppress(PaymentNotOpen):
            last = await recall(self._writer, self._clock, self._ids, first.user_id, link, refusal)
            bound |= bound_by(link, last)
        payment = last.payment
        if payment is None or not _given_up(payment):
            return False
        await self._checkouts.abandon(payment, refusal, bound)
        return True

    async def declined(self, outcome: Outcome) -> Payment | None:
        """The payment whose charge a link is to follow, if it was declined."""
        payment = outcome.payment
        if payment is None or not payment.off_session:
            return None
        if outcome.replayed and self._clock.now() - payment.created_at > _GOES_ON_MS:
            return None
        now = await self._payments.get(payment.id)
        return now if now is not None and now.status is PaymentStatus.FAILED else None


def _given_up(payment: Payment) -> bool:
    """There was neither a charge that was declined nor a checkout that was shown to anybody."""
    unseen = payment.payment_url is None and not payment.off_session
    return unseen and payment.status is PaymentStatus.FAILED
