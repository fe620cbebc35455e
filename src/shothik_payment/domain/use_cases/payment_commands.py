"""Commands about a recorded payment, each with an id and the time of its own."""

from __future__ import annotations

from typing import Any

from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.payment_commands import OfPayment
from shothik_payment.domain.ledger.writer import LedgerWriter
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.ids import Ids


class PaymentCommands:
    def __init__(self, writer: LedgerWriter, clock: Clock, ids: Ids) -> None:
        self._writer = writer
        self._clock = clock
        self._ids = ids

    async def submit(
        self,
        kind: type[OfPayment],
        payment: Payment,
        request: RequestBinding | None = None,
        **fields: Any,
    ) -> Outcome:
        """Raises what the command is refused with, and Unavailable."""
        return await self._writer.submit(
            kind(
                id=self._ids.next(),
                user_id=payment.user_id,
                at=self._clock.now(),
                request=request,
                payment_id=payment.id,
                **fields,
            )
        )
