"""Payments that are due are asked about at their gateway."""

import asyncio

from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.model.payment import Payment, PaymentStatus
from shothik_payment.domain.model.time import DAY, HOUR, MINUTE, SECOND, Millis
from shothik_payment.domain.ports.event_log import PARTITIONS, partition_of
from shothik_payment.domain.ports.gateway import (
    GatewayReport,
    GatewayState,
)
from shothik_payment.domain.use_cases.gateway_turns import AT_ONCE, SILENT_AFTER, SILENT_MS
from shothik_payment.domain.use_cases.payment_checks import CHECK_BATCH, LAST_CHECK_AFTER_MS
from shothik_payment.domain.use_cases.payments import FIRST_CHECK_MS
from tests.support.checkouts import PRICE, crashed_before_the_checkout, initiate, stored
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


class HangingGateway(ScriptedGateway):
    """It keeps everybody waiting until `released`, and has no answer then."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.released = asyncio.Event()

    async def complete(self, payment: Payment) -> GatewayReport:
        self.completed.append(payment.id)
        await self.released.wait()
        raise Unavailable("no answer")


async def test_a_gateway_that_hangs_holds_up_no_other() -> None:
    hanging, well = HangingGateway("bkash"), ScriptedGateway("stripe")
    async with running_service(hanging, well) as service:
        stuck = [await initiate(service, gateway="bkash") for _ in range(20)]
        paid = await initiate(service, gateway="stripe")
        well.says(paid, GatewayState.PAID, PRICE)
        service.clock.advance(FIRST_CHECK_MS)
        sweep = asyncio.create_task(service.payment_checks.check_due())
        for _ in range(1_000):
            await asyncio.sleep(0)
        assert (await stored(service, paid)).status is PaymentStatus.PAID
        assert not sweep.done()
        assert len(hanging.completed) == AT_ONCE
        hanging.released.set()
        assert await sweep == 21
        # Silent for all of them: the others were put off and not asked.
        assert len(hanging.completed) < len(stuck)
        for payment in stuck:
            counted = payment.id in hanging.completed
            assert (await stored(service, payment)).checks == counted
        asked = len(hanging.completed)
        service.clock.advance(FIRST_CHECK_MS)
        await service.payment_checks.check_due()
        assert len(hanging.completed) == asked
        service.clock.advance(SILENT_MS)
        before = set(hanging.completed)
        await service.payment_checks.check_due()
        # Others than those that it gave no answer about.
        assert len(hanging.completed) > asked
        assert not before & set(hanging.completed[asked:])


async def test_a_webhook_does_not_wait_behind_what_fell_due() -> None:
    hanging = HangingGateway("stripe")
    async with running_service(hanging) as service:
        for _ in range(20):
            await initiate(service)
        service.clock.advance(FIRST_CHECK_MS)
        sweep = asyncio.create_task(service.payment_checks.check_due())
        while len(hanging.completed) < AT_ONCE:  # noqa: ASYNC110 asked within this loop
            await asyncio.sleep(0)
        payment = await initiate(service)
        await service.pay(payment)
        assert (await stored(service, payment)).status is PaymentStatus.PAID
        assert not sweep.done()
        hanging.released.set()
        await sweep


class Partial(ScriptedGateway):
    """It has no answer about what is in `bad`."""

    def __init__(self, name: str = "sandbox") -> None:
        super().__init__(name)
        self.bad: set[str] = set()

    async def complete(self, payment: Payment) -> GatewayReport:
        await asyncio.sleep(0)
        if payment.id in self.bad:
            raise Unavailable("It cannot be understood.")
        return await super().complete(payment)


async def test_a_few_that_are_never_answered_starve_no_others() -> None:
    """More than a batch of others, all of the same gateway; the few are at the head each time."""
    gateway = Partial()
    async with running_service(gateway) as service:
        made = [await initiate(service, f"u{number}") for number in range(60)]
        for payment in made:
            gateway.says(payment, GatewayState.PAID, PRICE)
        service.clock.advance(FIRST_CHECK_MS)
        head = await service.payments.to_check(service.clock.now(), SILENT_AFTER)
        gateway.bad = {payment.id for payment in head}
        for _ in range(2 * SILENT_MS // SECOND + 1):
            await service.payment_checks.check_due()
            service.clock.advance(SECOND)
        assert {p.id for p in made if not (await stored(service, p)).grant_id} == gateway.bad


async def test_a_silent_gateway_is_stepped_over() -> None:
    """What is left for it is not moved, however much there is, and holds up no other gateway."""
    away, well = ScriptedGateway("bkash"), ScriptedGateway("stripe")
    async with running_service(away, well) as service:
        stuck = [await initiate(service, f"u{n}", gateway="bkash") for n in range(3 * CHECK_BATCH)]
        service.clock.advance(1)
        paid = await initiate(service, gateway="stripe")
        well.says(paid, GatewayState.PAID, PRICE)
        away.away()
        service.clock.advance(FIRST_CHECK_MS)
        begun = service.clock.now()
        while await service.payment_checks.check_due() == CHECK_BATCH:
            pass
        assert (await stored(service, paid)).status is PaymentStatus.PAID
        assert len(away.completed) < 2 * AT_ONCE
        assert service.payment_checks.silence_ends(begun) == begun + SILENT_MS
        assert service.payment_checks.silence_ends(Millis(begun + SILENT_MS)) is None
        assert await stored(service, stuck[-1]) == stuck[-1]


async def test_anothers_due_payments_hold_up_nobody(service: TestService) -> None:
    mine, others = range(8), range(8, PARTITIONS)
    names = [f"u{number}" for number in range(400)]
    theirs = [name for name in names if partition_of(name) in others][: 2 * CHECK_BATCH + 1]
    for name in theirs:
        await initiate(service, name)
    service.clock.advance(1)
    payment = await initiate(service, next(n for n in names if partition_of(n) in mine))
    service.clock.advance(FIRST_CHECK_MS)
    assert await service.payment_checks.check_due(mine) == CHECK_BATCH
    assert service.gateway.completed == []
    assert await service.payment_checks.check_due(mine) == 1
    assert service.gateway.completed == [payment.id]
