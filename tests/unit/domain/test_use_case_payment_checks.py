"""Payments that are due are asked about at their gateway."""

import asyncio

from shothik_payment.domain.model.payment import Payment, PaymentStatus
from shothik_payment.domain.model.time import DAY, HOUR, MINUTE
from shothik_payment.domain.ports.gateway import (
    GatewayReport,
    GatewayState,
)
from shothik_payment.domain.use_cases.payment_checks import LAST_CHECK_AFTER_MS
from shothik_payment.domain.use_cases.payments import FIRST_CHECK_MS
from tests.support.checkouts import PRICE, crashed_before_the_checkout, initiate, stored
from tests.support.hanging_gateway import HangingGateway
from tests.support.service import ScriptedGateway, TestService, running_service


async def balance(service: TestService) -> int:
    return (await service.views.wallet("u1")).available


async def test_an_open_payment_is_asked_about_when_it_is_due(service: TestService) -> None:
    payment = await initiate(service)
    service.clock.advance(FIRST_CHECK_MS - 1)
    assert await service.payment_checks.check_due() == 0
    service.clock.advance(1)
    service.gateway.says(payment, GatewayState.PAID, PRICE)
    assert await service.payment_checks.check_due() == 1
    assert (await stored(service, payment)).status is PaymentStatus.PAID
    service.clock.advance(LAST_CHECK_AFTER_MS)
    assert await service.payment_checks.check_due() == 0


async def test_two_sweeps_at_once_ask_once(service: TestService) -> None:
    payment = await initiate(service)
    service.clock.advance(FIRST_CHECK_MS)
    sweeps = [service.payment_checks.check_due() for _ in range(5)]
    assert await asyncio.gather(*sweeps) == [1] * 5
    assert service.gateway.completed == [payment.id]
    assert (await stored(service, payment)).checks == 1


async def test_pauses_grow_to_an_hour_and_after_three_days_the_payment_has_expired(
    service: TestService,
) -> None:
    payment = await initiate(service)
    begun = service.clock.now()
    young, old = [], []
    while (due := (await stored(service, payment)).next_check_at) is not None:
        pauses = young if service.clock.now() - begun < HOUR else old
        pauses.append(due - service.clock.now())
        service.clock.time = due
        assert await service.payment_checks.check_due() == 1
    assert young[:3] == [FIRST_CHECK_MS, FIRST_CHECK_MS, 2 * FIRST_CHECK_MS]
    assert set(young[3:]) == {MINUTE}
    assert set(old) == {HOUR}
    assert 0 < service.clock.now() - begun - LAST_CHECK_AFTER_MS <= HOUR
    ended = await stored(service, payment)
    assert (ended.status, ended.failure_code) == (PaymentStatus.EXPIRED, "not_paid_in_time")


async def test_a_gateway_that_is_away_is_asked_again(service: TestService) -> None:
    payment = await initiate(service)
    service.gateway.away()
    service.clock.advance(FIRST_CHECK_MS)
    await service.payment_checks.check_due()
    waiting = await stored(service, payment)
    assert (waiting.status, waiting.checks) == (PaymentStatus.PENDING, 1)
    assert waiting.next_check_at == service.clock.now() + FIRST_CHECK_MS


async def test_one_payment_that_cannot_be_asked_about_holds_up_no_other(
    service: TestService,
) -> None:
    strange, good = await crashed_before_the_checkout(service), await initiate(service)
    service.gateway.no()
    service.gateway.says(good, GatewayState.PAID, PRICE)
    service.clock.advance(FIRST_CHECK_MS)
    assert await service.payment_checks.check_due() == 2
    assert (await stored(service, good)).status is PaymentStatus.PAID
    assert (await stored(service, strange)).status is PaymentStatus.FAILED


async def test_a_payment_of_a_gateway_that_is_gone_is_put_off(service: TestService) -> None:
    intent = await crashed_before_the_checkout(service)
    service.use_gateways(ScriptedGateway("stripe"))
    await service.payment_checks.check_due()
    waiting = await stored(service, intent)
    assert (waiting.checks, waiting.status) == (1, PaymentStatus.CREATED)


async def test_a_report_without_its_money_does_not_settle(service: TestService) -> None:
    payment = await initiate(service)
    await service.settlements.settle(
        payment, GatewayReport(payment.id, payment.session_id or "", GatewayState.PAID)
    )
    assert await stored(service, payment) == payment


async def test_what_is_given_up_cannot_be_paid_at_the_gateway_any_more(
    service: TestService,
) -> None:
    payment = await initiate(service)
    service.clock.advance(LAST_CHECK_AFTER_MS + 1)
    await service.payment_checks.check_due()
    assert (await stored(service, payment)).status is PaymentStatus.EXPIRED
    assert service.gateway.states[payment.id].state is GatewayState.CANCELLED


async def test_paid_at_the_moment_it_is_given_up_it_settles() -> None:
    class Late(ScriptedGateway):
        async def cancel(self, payment: Payment) -> GatewayReport:
            return self.says(payment, GatewayState.PAID, PRICE)

    async with running_service(Late()) as service:
        payment = await initiate(service)
        service.clock.advance(LAST_CHECK_AFTER_MS + 1)
        await service.payment_checks.check_due()
        assert (await stored(service, payment)).status is PaymentStatus.PAID
        assert await balance(service) == 100


async def test_money_on_its_way_is_waited_for_as_long_as_a_bank_takes(
    service: TestService,
) -> None:
    payment = await initiate(service)
    service.gateway.says(payment, GatewayState.AUTHORISED)
    for expected in (PaymentStatus.AUTHORISED, PaymentStatus.AUTHORISED, PaymentStatus.EXPIRED):
        service.clock.advance(10 * DAY + 1)
        await service.payment_checks.check_due()
        assert (await stored(service, payment)).status is expected


async def test_what_can_never_be_asked_about_expires_all_the_same(service: TestService) -> None:
    payment = await initiate(service)
    service.gateway.away()
    service.clock.advance(LAST_CHECK_AFTER_MS + 1)
    await service.payment_checks.check_due()
    assert (await stored(service, payment)).status is PaymentStatus.PENDING
    service.clock.advance(7 * DAY)
    await service.payment_checks.check_due()
    assert (await stored(service, payment)).status is PaymentStatus.EXPIRED


async def test_paid_long_ago_and_found_after_a_gateway_was_silent(service: TestService) -> None:
    """Who was put off, and not asked, has not expired."""
    payments = [await initiate(service) for _ in range(10)]
    for payment in payments:
        service.gateway.says(payment, GatewayState.PAID, PRICE)
    service.gateway.away()
    service.clock.advance(LAST_CHECK_AFTER_MS + 1)
    await service.payment_checks.check_due()
    service.gateway.back()
    service.clock.advance(DAY)
    await service.payment_checks.check_due()
    for payment in payments:
        assert (await stored(service, payment)).status is PaymentStatus.PAID


async def test_a_sweep_that_is_cut_off_gives_nothing_up() -> None:
    hanging = HangingGateway("stripe")
    async with running_service(hanging) as service:
        payment = await initiate(service)
        service.clock.advance(LAST_CHECK_AFTER_MS + 1)
        sweep = asyncio.create_task(service.payment_checks.check_due())
        while not hanging.completed:  # noqa: ASYNC110 the gateway is asked within this loop
            await asyncio.sleep(0)
        sweep.cancel()
        await asyncio.gather(sweep, return_exceptions=True)
        assert (await stored(service, payment)).status is PaymentStatus.PENDING
