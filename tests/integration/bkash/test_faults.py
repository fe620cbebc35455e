"""What may go wrong on the way to bKash. Money is taken once whatever does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from shothik_payment.adapters.bkash import BkashGateway
from shothik_payment.domain.errors import GatewayRefused, Unavailable
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.ports.gateway import GatewayState
from tests.integration.bkash.support import Shop, a_payment, started
from tests.simulators.bkash import Simulator


async def approved(shop: Shop, gateway: BkashGateway) -> Payment:
    payment = a_payment(shop)
    await shop.simulator.approve(await started(gateway, payment))
    return payment


async def lose(simulator: Simulator) -> None:
    await simulator.lose_answer("execute")


async def break_(simulator: Simulator) -> None:
    await simulator.fail("execute", done=True)


async def say_a_message(simulator: Simulator) -> None:
    await simulator.message_only("execute")


@pytest.mark.parametrize("fault", [lose, break_, say_a_message])
async def test_executed_without_an_answer(
    shop: Shop,
    gateway: BkashGateway,
    simulator: Simulator,
    fault: Callable[[Simulator], Awaitable[None]],
) -> None:
    payment = await approved(shop, gateway)
    await fault(simulator)
    assert (await gateway.complete(payment)).state is GatewayState.PAID
    assert (await gateway.complete(payment)).state is GatewayState.PAID
    assert await simulator.calls("execute") == 1
    assert await simulator.money(payment.id) == (10_000, 0)


async def test_executed_too_slowly(shop: Shop, simulator: Simulator) -> None:
    """It was done after the request was given up; the second call finds it."""
    gateway = shop.gateway(timeout_seconds=0.3)
    payment = await approved(shop, gateway)
    await simulator.slow("execute", 1.0)
    assert (await gateway.complete(payment)).state is GatewayState.OPEN
    async with asyncio.timeout(10):
        while await simulator.money(payment.id) == (0, 0):
            pass
    assert (await gateway.complete(payment)).state is GatewayState.PAID
    assert await simulator.calls("execute") == 1


async def test_neither_execute_nor_query_answers(
    shop: Shop, gateway: BkashGateway, simulator: Simulator
) -> None:
    payment = await approved(shop, gateway)
    await simulator.lose_answer("execute")
    await simulator.fine("query")
    await simulator.fail("query")
    with pytest.raises(Unavailable):
        await gateway.complete(payment)
    assert (await gateway.complete(payment)).state is GatewayState.PAID
    assert await simulator.calls("execute") == 1


async def test_not_executed_and_no_answer(
    shop: Shop, gateway: BkashGateway, simulator: Simulator
) -> None:
    """A query says so; it is tried again by the next call, not by this one."""
    payment = await approved(shop, gateway)
    await simulator.lose_answer("execute", done=False)
    assert (await gateway.complete(payment)).state is GatewayState.OPEN
    assert await simulator.calls("execute") == 1
    assert (await gateway.complete(payment)).state is GatewayState.PAID


@pytest.mark.parametrize("code", ["2062", "2117", "2116", "2068", "2119", "2029", "9999", "503"])
@pytest.mark.parametrize("envelope", ["status", "error"])
async def test_a_query_tells_what_the_code_leaves_open(
    shop: Shop, gateway: BkashGateway, simulator: Simulator, code: str, envelope: str
) -> None:
    payment = await approved(shop, gateway)
    await simulator.lose_answer("execute")  # another process's, which was done
    other = shop.gateway()
    await simulator.refuse("execute", code, envelope)
    await asyncio.gather(gateway.complete(payment), other.complete(payment))
    assert (await gateway.complete(payment)).state is GatewayState.PAID
    assert await simulator.money(payment.id) == (10_000, 0)


@pytest.mark.parametrize(
    ("code", "state", "failure"),
    [
        ("2056", GatewayState.OPEN, None),
        ("2069", GatewayState.CANCELLED, None),
        ("2018", GatewayState.EXPIRED, "bkash_2018"),
        ("2019", GatewayState.EXPIRED, "bkash_2019"),
        ("2014", GatewayState.FAILED, "bkash_2014"),
        ("2023", GatewayState.FAILED, "bkash_2023"),
        ("9999", GatewayState.OPEN, None),
    ],
)
@pytest.mark.parametrize("envelope", ["status", "error"])
async def test_an_execute_is_refused(
    shop: Shop,
    gateway: BkashGateway,
    simulator: Simulator,
    code: str,
    state: GatewayState,
    failure: str | None,
    envelope: str,
) -> None:
    payment = await approved(shop, gateway)
    await simulator.refuse("execute", code, envelope)
    report = await gateway.complete(payment)
    assert (report.state, report.failure_code) == (state, failure)
    assert await simulator.calls("execute") == 1


@pytest.mark.parametrize("code", ["2001", "2006", "2048", "2065", "9999"])
async def test_a_checkout_is_refused(
    shop: Shop, gateway: BkashGateway, simulator: Simulator, code: str
) -> None:
    await simulator.refuse("create", code)
    with pytest.raises(GatewayRefused, match=code):
        await gateway.start_checkout(a_payment(shop))


@pytest.mark.parametrize("code", ["503", "2003", "2020", "2024"])
async def test_a_checkout_may_be_tried_again(
    shop: Shop, gateway: BkashGateway, simulator: Simulator, code: str
) -> None:
    payment = a_payment(shop)
    await simulator.refuse("create", code, "error")
    with pytest.raises(Unavailable):
        await gateway.start_checkout(payment)
    await started(gateway, payment)


@pytest.mark.parametrize("route", ["create", "query"])
async def test_no_sense_is_no_answer(
    shop: Shop, gateway: BkashGateway, simulator: Simulator, route: str
) -> None:
    payment = a_payment(shop)
    await started(gateway, payment)
    call = gateway.start_checkout if route == "create" else gateway.look_up
    await simulator.fail(route)
    await simulator.maintenance(route)
    await simulator.lose_answer(route)
    await simulator.message_only(route)
    await simulator.answer(route, 200, {})
    await simulator.answer(route, 200, {"statusCode": "0000"})
    await simulator.answer(route, 302, {"statusCode": "0000"})
    await simulator.answer(route, 400, {"message": "Invalid request body"})
    await simulator.answer(route, 429, {"errorCode": "2029"})
    for _ in range(9):
        with pytest.raises(Unavailable):
            await call(payment)
    await call(payment)


async def test_an_answer_without_end_is_not_read(
    shop: Shop, gateway: BkashGateway, simulator: Simulator
) -> None:
    payment = a_payment(shop)
    body = {"statusCode": "0000", **await simulator.session(await started(gateway, payment))}
    await simulator.answer("query", 200, {**body, "padding": "x" * 300_000})
    with pytest.raises(Unavailable):
        await gateway.look_up(payment)
    await simulator.answer("query", 200, {**body, "padding": "x" * 200_000})
    await gateway.look_up(payment)


async def test_bkash_is_not_there(shop: Shop, simulator: Simulator) -> None:
    gateway = shop.gateway(timeout_seconds=0.2)
    payment = a_payment(shop)
    await started(gateway, payment)
    simulator.freeze()
    try:
        with pytest.raises(Unavailable):
            await gateway.look_up(payment)
    finally:
        simulator.thaw()
