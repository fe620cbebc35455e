"""One token for all, renewed before it ends, and anew where bkash does not take it."""

from __future__ import annotations

import asyncio

import pytest

from shothik_payment.adapters.bkash import BkashGateway
from shothik_payment.adapters.memory.shared_values import MemorySharedValues
from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.ports.gateway import GatewayState
from tests.integration.bkash.support import Away, Shop, a_payment, paid, started
from tests.simulators.bkash import Simulator


async def test_two_processes_and_many_tasks_make_one_grant(
    shop: Shop, simulator: Simulator
) -> None:
    await simulator.slow("grant", 0.3)
    gateways = [shop.gateway(), shop.gateway()]
    await asyncio.gather(*(one.start_checkout(a_payment(shop)) for one in gateways * 10))
    assert await simulator.calls("create") == 20
    assert await simulator.calls("grant") == 1


async def test_a_process_that_comes_later_finds_the_token(
    shop: Shop, gateway: BkashGateway, simulator: Simulator
) -> None:
    await started(gateway, a_payment(shop))
    await started(shop.gateway(), a_payment(shop))
    assert await simulator.calls("grant") == 1


async def test_renewed_before_it_ends(
    shop: Shop, gateway: BkashGateway, simulator: Simulator
) -> None:
    await started(gateway, a_payment(shop))
    shop.clock.advance(50 * 60)
    await started(gateway, a_payment(shop))
    assert await simulator.calls("grant") == 1
    shop.clock.advance(5 * 60)
    await started(gateway, a_payment(shop))
    await started(shop.gateway(), a_payment(shop))
    assert await simulator.calls("grant") == 2


async def test_it_ends_half_way(shop: Shop, gateway: BkashGateway, simulator: Simulator) -> None:
    """Between query and execute: one new token, and the one call again."""
    payment = a_payment(shop)
    await simulator.approve(await started(gateway, payment))
    await simulator.refuse_token("execute")
    assert (await gateway.complete(payment)).state is GatewayState.PAID
    assert await simulator.calls("grant") == 2
    assert await simulator.calls("execute") == 2
    assert await simulator.calls("query") == 1
    assert await simulator.money(payment.id) == (10_000, 0)


async def test_it_ends_for_all_at_once(shop: Shop, simulator: Simulator) -> None:
    gateways = [shop.gateway(), shop.gateway()]
    payment = a_payment(shop)
    await started(gateways[0], payment)
    await gateways[1].look_up(payment)
    await simulator.expire_tokens()
    reports = await asyncio.gather(*(one.look_up(payment) for one in gateways * 5))
    assert all(report.state is GatewayState.OPEN for report in reports)
    assert await simulator.calls("grant") == 2


async def test_a_message_about_the_token_is_a_401_too(
    shop: Shop, gateway: BkashGateway, simulator: Simulator
) -> None:
    payment = a_payment(shop)
    await started(gateway, payment)
    await simulator.answer("query", 400, {"message": "The incoming token has expired"})
    assert (await gateway.look_up(payment)).state is GatewayState.OPEN
    assert await simulator.calls("grant") == 2


async def test_a_new_token_that_is_not_taken_either(
    shop: Shop, gateway: BkashGateway, simulator: Simulator
) -> None:
    payment = a_payment(shop)
    await started(gateway, payment)
    await simulator.refuse_token("query", times=2)
    with pytest.raises(Unavailable):
        await gateway.look_up(payment)
    assert await simulator.calls("query") == 2
    assert await simulator.calls("grant") == 2


async def test_without_redis_each_process_has_its_own(shop: Shop, simulator: Simulator) -> None:
    shop.lock = shop.values = Away()
    gateways = [shop.gateway(), shop.gateway()]
    for gateway in gateways * 2:
        await paid(shop, gateway, a_payment(shop))
    assert await simulator.calls("grant") == 2
    await simulator.expire_tokens()
    await paid(shop, gateways[0], a_payment(shop))
    assert await simulator.calls("grant") == 3


class Stubborn(MemorySharedValues):
    """Redis went away in the wrong moment: the token that was refused is still there."""

    async def forget(self, name: str, value: str) -> None:
        raise Unavailable("Redis does not answer.")


async def test_a_refused_token_that_could_not_be_forgotten(
    shop: Shop, simulator: Simulator
) -> None:
    shop.values = Stubborn()
    gateway = shop.gateway()
    await started(gateway, a_payment(shop))
    await simulator.expire_tokens()
    await started(gateway, a_payment(shop))
    await started(shop.gateway(), a_payment(shop))
    assert await simulator.calls("grant") == 2


@pytest.mark.parametrize("fault", ["fail", "maintenance", "lose_answer", "refuse_token"])
async def test_no_token_no_payment(
    shop: Shop, gateway: BkashGateway, simulator: Simulator, fault: str
) -> None:
    await getattr(simulator, fault)("grant")
    with pytest.raises(Unavailable):
        await gateway.start_checkout(a_payment(shop))
    with pytest.raises(Unavailable, match="a moment ago"):
        await gateway.start_checkout(a_payment(shop))
    assert await simulator.calls("create") == 0
    assert await simulator.calls("grant") == 1
    shop.clock.advance(6)
    await started(gateway, a_payment(shop))


async def test_who_waits_for_a_grant_that_fails_does_not_ask_once_more(
    shop: Shop, gateway: BkashGateway, simulator: Simulator
) -> None:
    await simulator.fail("grant", times=20)
    ends = await asyncio.gather(
        *(gateway.start_checkout(a_payment(shop)) for _ in range(20)), return_exceptions=True
    )
    assert {type(end) for end in ends} == {Unavailable}
    assert await simulator.calls("grant") == 1


@pytest.mark.parametrize(
    "body",
    [
        {"statusCode": "2001", "statusMessage": "Invalid App Key"},
        {"statusCode": "0000"},
        {"statusCode": "0000", "id_token": ""},
        {"statusCode": "0000", "id_token": "two\r\nlines", "expires_in": 3600},
        {"statusCode": "0000", "id_token": ["x"], "expires_in": 3600},
    ],
)
async def test_what_is_no_token(
    shop: Shop, gateway: BkashGateway, simulator: Simulator, body: dict[str, object]
) -> None:
    await simulator.answer("grant", 200, body)
    with pytest.raises(Unavailable):
        await gateway.start_checkout(a_payment(shop))
    assert await simulator.calls("create") == 0
