"""Credits given or taken by an admin."""

from __future__ import annotations

from shothik_payment.domain.errors import InvalidRequest
from shothik_payment.domain.ledger.commands import Adjust, RequestBinding
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.writer import LedgerWriter
from shothik_payment.domain.model.time import END_OF_TIME, Millis
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.ids import Ids


class AdminCredits:
    def __init__(self, writer: LedgerWriter, clock: Clock, ids: Ids) -> None:
        self._writer = writer
        self._clock = clock
        self._ids = ids

    async def adjust(
        self,
        user_id: str,
        amount: int,
        reason: str,
        *,
        expires_at: Millis | None = None,
        request: RequestBinding | None = None,
    ) -> Outcome:
        """`amount` positive gives, negative takes; more than is available is refused.

        `expires_at` is only judged for what is new: a repeat of what was done is answered.
        """
        if amount == 0:
            raise InvalidRequest.of("amount", "a whole number other than 0")
        if amount < 0 and expires_at is not None:
            raise InvalidRequest.of("expiresAt", "no end where credits are taken")
        if expires_at is not None and expires_at > END_OF_TIME:
            raise InvalidRequest.of("expiresAt", "a time before 2200")
        return await self._writer.submit(
            Adjust(
                id=self._ids.next(),
                user_id=user_id,
                at=self._clock.now(),
                request=request,
                amount=amount,
                reason=reason,
                expires_at=expires_at,
            )
        )
