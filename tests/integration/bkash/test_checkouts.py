"""A checkout from its start to the money, and what a payer may do instead."""

from __future__ import annotations

import asyncio

import pytest

from shothik_payment.adapters.bkash import BkashGateway
from shothik_payment.domain.errors import GatewayRefused, Unavailable
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.ports.gateway import GatewayState
from tests.integration.bkash.support import CALLBACK, Away, Shop, a_payment, paid, started
from tests.simulators.bkash import Simulator


async def test_nothing_moves_before_the_payer_approves(
    shop: Shop, gateway: BkashGateway, simulator: Simulator
) -> None:
    payment = a_payment(shop, 12_050)
    session_id = await started(gateway, payment)
    assert payment.payment_url is not None
    assert payment.payment_url.startswith(simulator.url)
    assert (await gateway.look_up(payment)).state is GatewayState.OPEN
    opened = await gateway.complete(payment)
    assert (opened.state, opened.session_id) == (GatewayState.OPEN, session_id)
    assert await simulator.money(payment.id) == (0, 0)


async def test_what_the_payer_approved_is_taken_once(
    shop: Shop, gateway: BkashGateway, simulator: Simulator
) -> None:
    payment = a_payment(shop, 12_050)
    session_id = await started(gateway, payment)
    back = await simulator.approve(session_id)
    assert back.startswith(f"{CALLBACK}?paymentID={session_id}&status=success&signature=")
    assert (await gateway.look_up(payment)).state is GatewayState.OPEN
    first = await gateway.complete(payment)
    assert (first.state, first.paid) == (GatewayState.PAID, Money(12_050, "BDT"))
    assert (first.payment_id, first.session_id) == (payment.id, session_id)
    assert first.reference
    assert await gateway.complete(payment) == first == await gateway.look_up(payment)
    assert await simulator.calls("execute") == 1
    assert await simulator.money(payment.id) == (12_050, 0)


@pytest.mark.parametrize("redis", ["there", "away"])
async def test_many_processes_take_it_once(shop: Shop, simulator: Simulator, redis: str) -> None:
    if redis == "away":
        shop.lock = shop.values = Away()
    payment = a_payment(shop)
    gateways = [shop.gateway() for _ in range(4)]
    await simulator.approve(await started(gateways[0], payment))
    reports = await asyncio.gather(*(one.complete(payment) for one in gateways * 3))
    assert {report.state for report in reports} <= {GatewayState.PAID, GatewayState.OPEN}
    assert (await gateways[3].look_up(payment)).state is GatewayState.PAID
    assert await simulator.money(payment.id) == (10_000, 0)
    if redis == "there":
        assert await simulator.calls("execute") == 1
        assert all(report.state is GatewayState.PAID for report in reports)


async def test_another_session_for_the_same_payment(shop: Shop, gateway: BkashGateway) -> None:
    payment = a_payment(shop)
    first, second = await started(gateway, payment), await started(gateway, payment)
    assert first != second


async def test_only_taka(shop: Shop, gateway: BkashGateway, simulator: Simulator) -> None:
    with pytest.raises(GatewayRefused, match="BDT"):
        await gateway.start_checkout(a_payment(shop, price=Money(1000, "USD")))
    assert await simulator.requests() == []
    assert gateway.capabilities.currencies == ("BDT",)
    assert gateway.capabilities.recurring
    assert gateway.capabilities.partial_refunds
    assert not gateway.capabilities.cancel


async def test_declined(shop: Shop, gateway: BkashGateway, simulator: Simulator) -> None:
    payment = a_payment(shop)
    session_id = await started(gateway, payment)
    await simulator.decline(session_id)
    report = await gateway.complete(payment)
    assert (report.state, report.failure_code) == (GatewayState.FAILED, "bkash_2023")
    assert await simulator.money(payment.id) == (0, 0)
    # Not final at bKash: with money on the account the same checkout can be paid.
    await simulator.approve(session_id)
    assert (await gateway.complete(payment)).state is GatewayState.PAID


async def test_cancelled_by_the_payer(
    shop: Shop, gateway: BkashGateway, simulator: Simulator
) -> None:
    payment = a_payment(shop)
    await simulator.cancel(await started(gateway, payment))
    assert (await gateway.complete(payment)).state is GatewayState.CANCELLED


async def test_a_checkout_ends_after_a_day(
    shop: Shop, gateway: BkashGateway, simulator: Simulator
) -> None:
    payment = a_payment(shop)
    session_id = await started(gateway, payment)
    await simulator.approve(session_id)
    await simulator.age(session_id, hours=23.9)
    assert (await gateway.look_up(payment)).state is GatewayState.OPEN
    await simulator.age(session_id, hours=0.2)
    assert (await gateway.look_up(payment)).state is GatewayState.EXPIRED
    assert (await gateway.complete(payment)).state is GatewayState.EXPIRED
    assert await simulator.calls("execute") == 0


async def test_another_amount_is_told_as_it_is(
    shop: Shop, gateway: BkashGateway, simulator: Simulator
) -> None:
    payment = a_payment(shop, 10_000)
    session_id = await started(gateway, payment)
    await simulator.set_amount(session_id, "1.00")
    await simulator.approve(session_id)
    assert (await gateway.complete(payment)).paid == Money(100, "BDT")
    assert (await gateway.look_up(payment)).paid == Money(100, "BDT")


async def test_an_amount_that_cannot_be_read_is_no_amount(
    shop: Shop, gateway: BkashGateway, simulator: Simulator
) -> None:
    payment = a_payment(shop)
    session_id = await paid(shop, gateway, payment)
    for amount in ("10,50", "1e3", "", None, "-1"):
        body = {**await simulator.session(session_id), "statusCode": "0000", "amount": amount}
        await simulator.answer("query", 200, body)
        with pytest.raises(Unavailable):
            await gateway.look_up(payment)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("Pending", GatewayState.AUTHORISED),
        ("CANCELLED", GatewayState.CANCELLED),
        ("Failed", GatewayState.FAILED),
        ("Expired", GatewayState.EXPIRED),
        ("Something New", GatewayState.OPEN),
    ],
)
async def test_other_words_of_bkash(
    shop: Shop, gateway: BkashGateway, simulator: Simulator, word: str, state: GatewayState
) -> None:
    payment = a_payment(shop)
    session_id = await started(gateway, payment)
    body = {**await simulator.session(session_id), "transactionStatus": word}
    await simulator.answer("query", 200, {**body, "statusCode": "0000"})
    assert (await gateway.look_up(payment)).state is state


async def test_a_session_that_bkash_does_not_know(
    shop: Shop, gateway: BkashGateway, simulator: Simulator
) -> None:
    payment = a_payment(shop, session_id="TR0011unknown")
    with pytest.raises(Unavailable):
        await gateway.look_up(payment)
    shop.clock.advance(25 * 3600)
    assert (await gateway.look_up(payment)).state is GatewayState.EXPIRED


async def test_the_payers_reference_holds_nothing_that_bkash_forbids(
    shop: Shop, gateway: BkashGateway, simulator: Simulator
) -> None:
    payment = a_payment(shop, user_id="a<b>&c" + "x" * 300)
    session = await simulator.session(await started(gateway, payment))
    assert session["payerReference"] == ("abc" + "x" * 300)[:255]
