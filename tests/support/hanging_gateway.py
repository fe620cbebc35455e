"""A gateway that is slow to say that it has no answer."""

from __future__ import annotations

import asyncio

from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.ports.gateway import GatewayReport
from tests.support.scripted_gateway import ScriptedGateway


class HangingGateway(ScriptedGateway):
    """It keeps everybody waiting until `released`, and has no answer then."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.released = asyncio.Event()

    async def complete(self, payment: Payment) -> GatewayReport:
        self.completed.append(payment.id)
        await self.released.wait()
        raise Unavailable("no answer")
