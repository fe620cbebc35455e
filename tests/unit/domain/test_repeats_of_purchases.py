"""A pack that is asked for again under its key: never are two checkouts open for one key."""

from __future__ import annotations

import asyncio

import pytest

from shothik_payment.domain.errors import CallUnderWay, PaymentNotOpen, Unavailable
from shothik_payment.domain.model.payment import OPEN_STATUSES, Payment, PaymentStatus
from shothik_payment.domain.model.time import DAY
from shothik_payment.domain.ports.gateway import Checkout
from tests.support.checkouts import crashed_before_the_checkout, initiate, stored
from tests.support.scripted_gateway import ScriptedGateway
from tests.support.service import TestService, running_service
from tests.support.world import key


class InTurn(ScriptedGateway):
    """Who asks for a checkout waits for the answer that is given to `asked`."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: asyncio.Queue[asyncio.Future[None]] = asyncio.Queue()

    async def start_checkout(self, payment: Payment) -> Checkout:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.asked.put_nowait(answer)
        await answer
        return await super().start_checkout(payment)


async def open_payments(service: TestService) -> list[Payment]:
    found = await service.payments.of_user("u1", None, 9)
    return [payment for payment in found if payment.status in OPEN_STATUSES]


@pytest.mark.parametrize("comes_between", [True, False])
async def test_two_processes_of_which_the_first_gives_up(comes_between: bool) -> None:
    """The second gets its checkout only then, and a third may have come between."""
    gateway = InTurn()
    async with running_service(gateway) as service, running_service(gateway, old=service) as other:
        first = asyncio.ensure_future(initiate(service, request=key("k")))
        to_first = await gateway.asked.get()
        second = asyncio.ensure_future(initiate(other, request=key("k")))
        to_second = await gateway.asked.get()
        to_first.set_exception(Unavailable("away"))
        with pytest.raises(Unavailable):
            await first
        if comes_between:
            third = asyncio.ensure_future(initiate(service, request=key("k")))
            (await gateway.asked.get()).set_result(None)
            link = await third
            to_second.set_result(None)
            with pytest.raises(PaymentNotOpen):
                await second
        else:
            to_second.set_result(None)
            link = await second
        assert link.payment_url is not None
        for process in (service, other):
            again = await initiate(process, request=key("k"))
            assert (again.id, again.payment_url) == (link.id, link.payment_url)
        assert [payment.id for payment in await open_payments(service)] == [link.id]


async def test_a_sweep_whose_checkout_comes_late_opens_none_beside_the_repeats() -> None:
    gateway = InTurn()
    async with running_service(gateway) as service, running_service(gateway, old=service) as other:
        first = asyncio.ensure_future(initiate(service, request=key("k")))
        to_first = await gateway.asked.get()
        service.clock.advance(21_000)
        sweep = asyncio.ensure_future(other.payment_checks.check_due())
        to_second = await gateway.asked.get()
        to_first.set_exception(Unavailable("away"))
        with pytest.raises(Unavailable):
            await first
        again = asyncio.ensure_future(initiate(service, request=key("k")))
        (await gateway.asked.get()).set_result(None)
        link = await again
        to_second.set_result(None)
        await sweep
        assert [payment.id for payment in await open_payments(service)] == [link.id]


@pytest.mark.parametrize("days", [0, 7])
async def test_another_body_after_a_crash_and_a_sweep_that_gave_up(
    service: TestService, days: int
) -> None:
    intent = await crashed_before_the_checkout(service)
    service.gateway.away()
    await service.payment_checks.check_due()
    service.gateway.back()
    await service.advance(days * DAY)
    again = await initiate(service, credits=250, pack_id=None, request=key("p1", b"other"))
    assert (again.credits, again.status) == (250, PaymentStatus.PENDING)
    assert (await stored(service, intent)).status is PaymentStatus.CANCELLED


async def test_a_purchase_that_expires_without_a_link_binds_nothing(service: TestService) -> None:
    service.gateway.refuses = CallUnderWay("Under way.")
    with pytest.raises(CallUnderWay):
        await initiate(service, request=key("k"))
    for _ in range(11):
        await service.advance(DAY)
    (expired,) = await service.payments.of_user("u1", None, 9)
    assert expired.status is PaymentStatus.EXPIRED
    service.gateway.back()
    again = await initiate(service, request=key("k"))
    assert (again.status, again.payment_url is None) == (PaymentStatus.PENDING, False)
    assert again.id != expired.id
