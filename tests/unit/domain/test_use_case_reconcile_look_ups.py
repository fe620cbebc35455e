"""How gateways are asked for what is compared: few at a time, not for ever where they are away, and
while servers are at work."""

from __future__ import annotations

import asyncio
from typing import Any

from shothik_payment.domain.model.payment import Payment, PaymentStatus
from shothik_payment.domain.ports.gateway import GatewayReport
from shothik_payment.domain.use_cases.differences import Kind
from shothik_payment.domain.use_cases.look_ups import GIVEN_UP_AFTER, LOOK_UPS_AT_ONCE
from shothik_payment.domain.use_cases.reconcile import PAGE
from tests.support.checkouts import PRICE, initiate, stored
from tests.support.reconciling import HALF, PAID, bought, dispute, found, refund, spoil, total
from tests.support.service import ScriptedGateway, TestService, running_service


async def test_a_gateway_without_an_answer_leaves_the_payment_uncompared(
    service: TestService,
) -> None:
    payment = await bought(service)
    elsewhere = await initiate(service, "u2")
    spoil(service, elsewhere, gateway="closed")
    service.gateway.away()
    seen = await found(service, repair=True)
    assert [str(d) for d in seen] == [
        f"u1, {payment.id}: not compared, 10.00 USD: The gateway is away.",
        f"u2, {elsewhere.id}: not compared, 10.00 USD: closed is not configured",
    ]
    assert {d.kind for d in seen} == {Kind.NOT_COMPARED}


async def test_a_gateway_that_is_away_is_not_asked_for_ever(service: TestService) -> None:
    gateway = service.gateway
    for nth in range(GIVEN_UP_AFTER + 10):
        await initiate(service, f"u{nth:02}")
    gateway.away()
    assert len(await found(service)) == GIVEN_UP_AFTER + 10
    assert len(gateway.looked_up) == GIVEN_UP_AFTER
    gateway.back()
    assert await found(service) == []


class CountingGateway(ScriptedGateway):
    """How many are asked for at a time."""

    now = most = 0

    async def look_up(self, payment: Payment) -> GatewayReport:
        self.now += 1
        self.most = max(self.most, self.now)
        for _ in range(10):
            await asyncio.sleep(0)
        self.now -= 1
        return await super().look_up(payment)


async def test_few_are_asked_for_at_a_time_over_all_pages_and_users() -> None:
    gateway = CountingGateway()
    async with running_service(gateway) as service:
        for nth in range(PAGE + 5):
            await initiate(service, "u1" if nth % 2 else f"u{nth}")
        for _ in range(PAGE):
            await initiate(service, "u1")
        seen = await total(service)
        assert (seen.payments, seen.differences) == (2 * PAGE + 5, [])
        assert sorted(gateway.looked_up) == sorted(service.state.payments)
        assert gateway.most == LOOK_UPS_AT_ONCE


class BusyGateway(ScriptedGateway):
    """While it is asked, something more happens there, and a server handles the notification."""

    service: TestService
    happens: list[dict[str, Any]]
    notifies = False

    async def look_up(self, payment: Payment) -> GatewayReport:
        if self.happens and not self.notifies:
            self.says(payment, PAID, PRICE, **self.happens.pop(0))
            self.notifies = True
            await self.service.hear(payment)
            self.notifies = False
        return await super().look_up(payment)


async def test_a_server_at_work_is_no_difference() -> None:
    gateway = BusyGateway()
    async with running_service(gateway) as service:
        gateway.service = service
        payment = await initiate(service)
        more = {"refunds": (refund(),)}
        gateway.happens = [{}, more, more | {"disputes": (dispute(HALF),)}]
        seen = await total(service, repair=True)
        assert (seen.differences, seen.repaired, gateway.happens) == ([], [], [])
        assert (await stored(service, payment)).status is PaymentStatus.DISPUTED
