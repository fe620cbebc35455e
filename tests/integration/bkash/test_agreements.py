"""Agreements: made at a checkout, charged later without the payer, ended."""

from __future__ import annotations

import asyncio

import pytest

from shothik_payment.adapters.bkash import BkashGateway
from shothik_payment.domain.errors import GatewayRefused, Unavailable
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.ports.gateway import GatewayState, SavedMethod
from tests.integration.bkash.support import Shop, a_payment, a_refund, paid, settled, started
from tests.simulators.bkash import Simulator


async def saved(shop: Shop, gateway: BkashGateway) -> None:
    await paid(shop, gateway, a_payment(shop, saves_method=True))


async def test_made_and_paid_in_one_go(
    shop: Shop, gateway: BkashGateway, simulator: Simulator
) -> None:
    payment = a_payment(shop, saves_method=True)
    session_id = await started(gateway, payment)
    assert (await gateway.complete(payment)).state is GatewayState.OPEN
    assert await gateway.saved_method(payment.user_id) is None
    await simulator.approve(session_id)
    report = await gateway.complete(payment)
    assert (report.state, report.paid) == (GatewayState.PAID, Money(10_000, "BDT"))
    assert (report.payment_id, report.session_id) == (payment.id, session_id)
    assert await gateway.complete(payment) == report == await gateway.look_up(payment)
    assert await simulator.money(payment.id) == (10_000, 0)
    assert await gateway.saved_method(payment.user_id) == SavedMethod("bKash")
    assert await gateway.saved_method("user-2") is None
    settled(payment, report)
    await gateway.refund(payment, a_refund(shop, 4_000))
    assert await simulator.money(payment.id) == (10_000, 4_000)


async def test_the_payer_goes_on_to_a_second_page(
    shop: Shop, gateway: BkashGateway, simulator: Simulator
) -> None:
    await simulator.payer_needed()
    payment = a_payment(shop, saves_method=True)
    session_id = await started(gateway, payment)
    await simulator.approve(session_id)
    report = await gateway.complete(payment)
    assert report.state is GatewayState.OPEN
    assert report.session_id == session_id
    assert report.continue_url is not None
    assert (await shop.gateway().complete(payment)).continue_url == report.continue_url
    assert (await gateway.look_up(payment)).continue_url == report.continue_url
    second = report.continue_url.rpartition("=")[2]
    assert second != session_id
    await simulator.approve(second)
    done = await gateway.complete(payment)
    assert (done.state, done.session_id) == (GatewayState.PAID, session_id)
    assert await simulator.money(payment.id) == (10_000, 0)


@pytest.mark.parametrize("route", ["execute", "create", "query"])
async def test_answers_get_lost_on_the_way(
    shop: Shop, gateway: BkashGateway, simulator: Simulator, route: str
) -> None:
    """Whatever was lost, the payer pays once."""
    payment = a_payment(shop, saves_method=True)
    await simulator.approve(await started(gateway, payment))
    await simulator.lose_answer(route)
    try:
        await gateway.complete(payment)
    except Unavailable:
        await gateway.complete(payment)
    assert (await gateway.complete(payment)).state is GatewayState.PAID
    assert await simulator.money(payment.id) == (10_000, 0)


async def test_many_processes_make_one_payment(shop: Shop, simulator: Simulator) -> None:
    gateways = [shop.gateway() for _ in range(4)]
    payment = a_payment(shop, saves_method=True)
    await simulator.approve(await started(gateways[0], payment))
    await asyncio.gather(*(one.complete(payment) for one in gateways))
    assert await simulator.money(payment.id) == (10_000, 0)


@pytest.mark.parametrize(
    ("does", "state"),
    [("decline", GatewayState.FAILED), ("cancel", GatewayState.CANCELLED)],
)
async def test_the_payer_makes_none(
    shop: Shop, gateway: BkashGateway, simulator: Simulator, does: str, state: GatewayState
) -> None:
    payment = a_payment(shop, saves_method=True)
    session_id = await started(gateway, payment)
    await getattr(simulator, does)(session_id)
    assert (await gateway.complete(payment)).state is state
    assert await gateway.saved_method(payment.user_id) is None


async def test_where_there_is_one_already_the_checkout_is_an_ordinary_one(
    shop: Shop, gateway: BkashGateway, simulator: Simulator
) -> None:
    await simulator.refuse("create", "2050")
    payment = a_payment(shop, saves_method=True)
    await paid(shop, gateway, payment)
    assert await simulator.money(payment.id) == (10_000, 0)


async def test_charged_later(shop: Shop, gateway: BkashGateway, simulator: Simulator) -> None:
    await saved(shop, gateway)
    payment = a_payment(shop, 5_000)
    reports = [await gateway.charge(payment) for _ in range(2)]
    assert reports[0] == reports[1]
    assert (reports[0].state, reports[0].paid) == (GatewayState.PAID, Money(5_000, "BDT"))
    payment.session_id = reports[0].session_id
    assert await gateway.look_up(payment) == reports[0]
    assert await simulator.money(payment.id) == (5_000, 0)


async def test_charged_once_by_many(shop: Shop, gateway: BkashGateway) -> None:
    await saved(shop, gateway)
    payment = a_payment(shop, 5_000)
    reports = await asyncio.gather(*(shop.gateway().charge(payment) for _ in range(4)))
    assert len({report.session_id for report in reports}) == 1
    assert await shop.simulator.money(payment.id) == (5_000, 0)


@pytest.mark.parametrize("route", ["create", "execute", "query"])
async def test_a_charge_without_an_answer(
    shop: Shop, gateway: BkashGateway, simulator: Simulator, route: str
) -> None:
    await saved(shop, gateway)
    payment = a_payment(shop, 5_000)
    await simulator.lose_answer(route)
    try:
        await gateway.charge(payment)
    except Unavailable:
        await gateway.charge(payment)
    assert (await shop.gateway().charge(payment)).state is GatewayState.PAID
    assert await simulator.money(payment.id) == (5_000, 0)


async def test_the_payer_is_needed(shop: Shop, gateway: BkashGateway, simulator: Simulator) -> None:
    await saved(shop, gateway)
    await simulator.payer_needed()
    payment = a_payment(shop)
    before = await simulator.calls("execute")
    report = await gateway.charge(payment)
    assert (report.state, report.failure_code) == (GatewayState.FAILED, "payer_needed")
    payment.session_id = report.session_id
    # Even if the payer came upon the page: what was created is left alone.
    await simulator.approve(report.session_id)
    for call in (gateway.charge, gateway.complete, gateway.look_up):
        again = await call(payment)
        assert (again.state, again.failure_code) == (GatewayState.FAILED, "payer_needed")
    assert await simulator.calls("execute") == before
    assert await simulator.money(payment.id) == (0, 0)


async def test_a_charge_is_declined(
    shop: Shop, gateway: BkashGateway, simulator: Simulator
) -> None:
    await saved(shop, gateway)
    await simulator.refuse("execute", "2023")
    report = await gateway.charge(a_payment(shop))
    assert (report.state, report.failure_code) == (GatewayState.FAILED, "bkash_2023")
    assert await gateway.saved_method("user-1") is not None


async def test_ended_in_the_app_of_bkash(
    shop: Shop, gateway: BkashGateway, simulator: Simulator
) -> None:
    await saved(shop, gateway)
    await simulator.end_agreements()
    report = await gateway.charge(a_payment(shop))
    assert (report.state, report.failure_code) == (GatewayState.FAILED, "bkash_2053")
    assert report.session_id is None  # refused before there was one
    assert await gateway.saved_method("user-1") is None


async def test_nothing_on_file(shop: Shop, gateway: BkashGateway, simulator: Simulator) -> None:
    with pytest.raises(GatewayRefused):
        await gateway.charge(a_payment(shop))
    await gateway.forget_method("user-1")
    assert await simulator.requests() == []


async def test_forgotten(shop: Shop, gateway: BkashGateway, simulator: Simulator) -> None:
    await saved(shop, gateway)
    await simulator.fail("agreement_cancel")
    with pytest.raises(Unavailable):
        await gateway.forget_method("user-1")
    assert await gateway.saved_method("user-1") is not None
    await gateway.forget_method("user-1")
    assert await gateway.saved_method("user-1") is None
    assert set((await simulator.agreements()).values()) == {"Cancelled"}
    with pytest.raises(GatewayRefused):
        await gateway.charge(a_payment(shop))
    await saved(shop, gateway)
    assert await gateway.saved_method("user-1") is not None


async def test_forgotten_though_it_has_ended(
    shop: Shop, gateway: BkashGateway, simulator: Simulator
) -> None:
    await saved(shop, gateway)
    await simulator.end_agreements()
    await gateway.forget_method("user-1")
    assert await gateway.saved_method("user-1") is None
