"""Who is asked about first, and who waits for whom, where many payments are due."""

import asyncio

from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.model.payment import Payment, PaymentStatus
from shothik_payment.domain.model.time import SECOND, Millis
from shothik_payment.domain.ports.event_log import PARTITIONS, partition_of
from shothik_payment.domain.ports.gateway import GatewayReport, GatewayState
from shothik_payment.domain.use_cases.gateway_turns import AT_ONCE, SILENT_AFTER, SILENT_MS
from shothik_payment.domain.use_cases.payment_checks import CHECK_BATCH
from shothik_payment.domain.use_cases.payments import FIRST_CHECK_MS
from tests.support.checkouts import PRICE, crashed_before_the_checkout, initiate, stored
from tests.support.hanging_gateway import HangingGateway
from tests.support.service import ScriptedGateway, TestService, running_service


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


async def test_a_lane_does_not_look_through_anothers_backlog() -> None:
    """Nor through its own, while its gateway is left alone."""
    away, well = ScriptedGateway("bkash"), ScriptedGateway("stripe")
    async with running_service(away, well) as service:
        checks = service.payment_checks
        for number in range(2 * CHECK_BATCH):
            await initiate(service, f"u{number}", gateway="bkash")
        service.clock.advance(1)
        paid = await initiate(service, gateway="stripe")
        well.says(paid, GatewayState.PAID, PRICE)
        away.away()
        service.clock.advance(FIRST_CHECK_MS)
        assert await checks.check_due(lane="bkash") == CHECK_BATCH
        assert await checks.check_due(lane="bkash") == 0
        assert await checks.check_due(lane="stripe") == 1
        assert (await stored(service, paid)).status is PaymentStatus.PAID
        away.back()
        service.clock.advance(SILENT_MS)
        assert await checks.check_due(lane="bkash") == CHECK_BATCH


async def test_a_lane_waits_for_no_other_and_looks_behind_what_is_theirs() -> None:
    hanging, well = HangingGateway("bkash"), ScriptedGateway("stripe")
    async with running_service(hanging, well) as service:
        checks = service.payment_checks
        for number in range(CHECK_BATCH):
            await initiate(service, f"u{number}", gateway="bkash")
        service.clock.advance(1)
        gone = await crashed_before_the_checkout(service)
        paid = await initiate(service, gateway="stripe")
        well.says(paid, GatewayState.PAID, PRICE)
        service.clock.advance(FIRST_CHECK_MS)
        stuck = asyncio.create_task(checks.check_due(lane="bkash"))
        while not hanging.completed:  # noqa: ASYNC110 the gateway is asked within this loop
            await asyncio.sleep(0)
        assert await checks.check_due(lane="stripe") == 1
        assert (await stored(service, paid)).status is PaymentStatus.PAID
        assert (await stored(service, gone)).checks == 0
        assert checks.lanes == ["bkash", "stripe", ""]
        assert await checks.check_due(lane="") == 1
        assert (await stored(service, gone)).checks == 1
        assert not stuck.done()
        hanging.released.set()
        await stuck


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
