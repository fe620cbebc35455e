"""Asking gateways about many payments, without being a burden to them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping

from shothik_payment.domain.errors import PaymentServiceError, Unavailable
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.ports.gateway import GatewayReport, PaymentGateway

LOOK_UPS_AT_ONCE = 4
"""Gateways limit how often they may be asked, and serve payers first."""
GIVEN_UP_AFTER = 8
"""Look-ups in a row without an answer: that gateway is asked no more in this run."""


class LookUps:
    """Asks the gateways, a few at a time."""

    def __init__(self, gateways: Mapping[str, PaymentGateway]) -> None:
        self._gateways = gateways
        self._turn = asyncio.Semaphore(LOOK_UPS_AT_ONCE)
        self._unanswered: Counter[str] = Counter()

    async def report(self, payment: Payment) -> GatewayReport | str:
        """What the gateway says, or why it cannot be had."""
        gateway = self._gateways.get(payment.gateway)
        if gateway is None:
            return f"{payment.gateway} is not configured"
        async with self._turn:
            if self._unanswered[gateway.name] >= GIVEN_UP_AFTER:
                return f"{gateway.name} has not answered {GIVEN_UP_AFTER} times in a row"
            try:
                report = await gateway.look_up(payment)
            except Unavailable as error:
                self._unanswered[gateway.name] += 1
                return str(error)
            except PaymentServiceError as error:
                return str(error)
            self._unanswered[gateway.name] = 0
            return report
