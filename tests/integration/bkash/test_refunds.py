"""Refunds: each once, though bKash has no idempotency key and equal parts look alike."""

from __future__ import annotations

import asyncio

import pytest

from shothik_payment.adapters.bkash import BkashGateway
from shothik_payment.adapters.bkash.refunds import UNDER_WAY_MS
from shothik_payment.domain.errors import GatewayRefused, Unavailable
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import Payment, Refund, RefundState
from shothik_payment.domain.ports.gateway import GatewayRefund, GatewayState
from tests.integration.bkash.support import Away, Shop, a_payment, a_refund, paid
from tests.simulators.bkash import Simulator


@pytest.fixture
async def payment(shop: Shop, gateway: BkashGateway) -> Payment:
    payment = a_payment(shop, 10_000)
    await paid(shop, gateway, payment)
    return payment


def booked(payment: Payment, refund: Refund, told: GatewayRefund) -> None:
    refund.gateway_id, refund.state = told.id, told.state
    payment.refunds.append(refund)


async def test_in_parts_and_the_rest(
    shop: Shop, gateway: BkashGateway, simulator: Simulator, payment: Payment
) -> None:
    for part in (2_550, 2_550, 4_900):
        refund = a_refund(shop, part)
        told = await gateway.refund(payment, refund)
        assert (told.amount, told.state) == (Money(part, "BDT"), RefundState.SUCCEEDED)
        assert told.refund_id == refund.id
        booked(payment, refund, told)
    assert len({refund.gateway_id for refund in payment.refunds}) == 3
    assert await simulator.money(payment.id) == (10_000, 10_000)
    report = await gateway.look_up(payment)
    assert report.state is GatewayState.PAID
    assert [(one.id, one.refund_id) for one in report.refunds] == [
        (refund.gateway_id, refund.id) for refund in payment.refunds
    ]


async def test_asked_again_it_is_the_same(
    shop: Shop, gateway: BkashGateway, simulator: Simulator, payment: Payment
) -> None:
    first, second = a_refund(shop, 3_000), a_refund(shop, 3_000)
    told = [await gateway.refund(payment, one) for one in (first, second, second, first)]
    assert told[0] == told[3]
    assert told[1] == told[2]
    assert told[0].id != told[1].id
    assert await simulator.calls("refund") == 2
    # Another process, which knows nothing but what was written down.
    assert await shop.gateway().refund(payment, first) == told[0]
    assert await simulator.money(payment.id) == (10_000, 6_000)


@pytest.mark.parametrize("redis", ["there", "away"])
async def test_many_processes_ask_once(
    shop: Shop, simulator: Simulator, payment: Payment, redis: str
) -> None:
    if redis == "away":
        shop.lock = shop.values = Away()
    refund = a_refund(shop, 3_000)
    await simulator.slow("refund", 0.3)
    told = await asyncio.gather(
        *(shop.gateway().refund(payment, refund) for _ in range(4)), return_exceptions=True
    )
    done = [one for one in told if isinstance(one, GatewayRefund)]
    assert done
    assert all(isinstance(one, GatewayRefund | Unavailable) for one in told)
    assert len({one.id for one in done}) == 1
    assert await simulator.calls("refund") == 1
    assert await simulator.money(payment.id) == (10_000, 3_000)


@pytest.mark.parametrize("fault", ["lose_answer", "fail", "message_only"])
async def test_done_without_an_answer(
    shop: Shop, gateway: BkashGateway, simulator: Simulator, payment: Payment, fault: str
) -> None:
    booked(payment, one := a_refund(shop, 3_000), await gateway.refund(payment, one))
    await getattr(simulator, fault)("refund", done=True)
    refund = a_refund(shop, 3_000)
    told = await gateway.refund(payment, refund)
    assert told.id != one.gateway_id
    assert await gateway.refund(payment, refund) == told
    assert await simulator.calls("refund") == 2
    assert await simulator.money(payment.id) == (10_000, 6_000)


async def test_done_without_an_answer_and_status_away(
    shop: Shop, gateway: BkashGateway, simulator: Simulator, payment: Payment
) -> None:
    """The next call, or a look at the payment, finds it."""
    refund = a_refund(shop, 3_000)
    await simulator.lose_answer("refund")
    await simulator.fine("refund_status")
    await simulator.fail("refund_status")
    with pytest.raises(Unavailable):
        await gateway.refund(payment, refund)
    payment.refunds.append(refund)
    [seen] = (await gateway.look_up(payment)).refunds
    assert seen.refund_id == refund.id
    assert await shop.gateway().refund(payment, refund) == seen
    assert await simulator.calls("refund") == 1


@pytest.mark.parametrize("fault", ["fail", "message_only"])
async def test_not_done_and_an_answer_that_says_nothing(
    shop: Shop, gateway: BkashGateway, simulator: Simulator, payment: Payment, fault: str
) -> None:
    refund = a_refund(shop, 3_000)
    await getattr(simulator, fault)("refund", done=False)
    with pytest.raises(Unavailable):
        await gateway.refund(payment, refund)
    assert await simulator.money(payment.id) == (10_000, 0)
    await gateway.refund(payment, refund)
    assert await simulator.money(payment.id) == (10_000, 3_000)


async def test_it_may_be_under_way_still(
    shop: Shop, gateway: BkashGateway, simulator: Simulator, payment: Payment
) -> None:
    """No answer and no trace: it is looked for, and asked for again only after a while."""
    refund = a_refund(shop, 3_000)
    await simulator.lose_answer("refund", done=False)
    for _ in range(3):
        with pytest.raises(Unavailable):
            await gateway.refund(payment, refund)
    with pytest.raises(Unavailable):
        await shop.gateway().refund(payment, a_refund(shop, 3_000))
    assert await simulator.calls("refund") == 1
    shop.clock.advance(UNDER_WAY_MS / 1000 + 1)
    await gateway.refund(payment, refund)
    assert await simulator.calls("refund") == 2
    assert await simulator.money(payment.id) == (10_000, 3_000)


async def test_it_arrives_after_the_time_out(
    shop: Shop, simulator: Simulator, payment: Payment
) -> None:
    gateway = shop.gateway(timeout_seconds=0.3)
    await gateway.look_up(payment)
    refund = a_refund(shop, 3_000)
    await simulator.slow("refund", 1.0)
    with pytest.raises(Unavailable):
        await gateway.refund(payment, refund)
    async with asyncio.timeout(10):
        while await simulator.money(payment.id) == (10_000, 0):
            pass
    shop.clock.advance(41)
    assert (await gateway.refund(payment, refund)).refund_id == refund.id
    assert await simulator.calls("refund") == 1
    assert await simulator.money(payment.id) == (10_000, 3_000)


async def test_begun_in_the_portal(
    shop: Shop, gateway: BkashGateway, simulator: Simulator, payment: Payment
) -> None:
    """Of the same amount as ours that comes after it: it is not taken for ours."""
    assert payment.session_id is not None
    theirs = await simulator.refund_from_dashboard(payment.session_id, 3_000)
    [seen] = (await gateway.look_up(payment)).refunds
    assert (seen.id, seen.refund_id, seen.amount) == (theirs, None, Money(3_000, "BDT"))
    refund = a_refund(shop, 3_000)
    payment.refunds.append(refund)
    [unasked] = (await gateway.look_up(payment)).refunds
    assert unasked.refund_id is None
    told = await gateway.refund(payment, refund)
    assert told.id != theirs
    named = {one.id: one.refund_id for one in (await gateway.look_up(payment)).refunds}
    assert named == {theirs: None, told.id: refund.id}
    # Booked under bKash's own id.
    payment.refunds.append(Refund(theirs, 3_000, RefundState.SUCCEEDED, shop.clock.now(), theirs))
    again = {one.id: one.refund_id for one in (await gateway.look_up(payment)).refunds}
    assert again == named


async def test_begun_in_the_portal_unnoticed(
    shop: Shop, gateway: BkashGateway, simulator: Simulator, payment: Payment
) -> None:
    """It was there before we asked for ours, so ours is still to be done."""
    assert payment.session_id is not None
    theirs = await simulator.refund_from_dashboard(payment.session_id, 3_000)
    refund = a_refund(shop, 3_000)
    await simulator.fail("refund")
    with pytest.raises(Unavailable):
        await gateway.refund(payment, refund)
    assert (await gateway.refund(payment, refund)).id != theirs
    assert await simulator.money(payment.id) == (10_000, 6_000)


@pytest.mark.parametrize("code", ["2071", "2079", "2127", "9999"])
@pytest.mark.parametrize("envelope", ["refund", "status", "error"])
async def test_refused_for_good(
    shop: Shop,
    gateway: BkashGateway,
    simulator: Simulator,
    payment: Payment,
    code: str,
    envelope: str,
) -> None:
    refund = a_refund(shop, 3_000)
    await simulator.refuse("refund", code, envelope)
    with pytest.raises(GatewayRefused, match=code):
        await gateway.refund(payment, refund)
    # What comes later from the portal is not ours.
    assert payment.session_id is not None
    await simulator.refund_from_dashboard(payment.session_id, 3_000)
    [seen] = (await gateway.look_up(payment)).refunds
    assert seen.refund_id is None


async def test_more_than_was_paid(
    shop: Shop, gateway: BkashGateway, simulator: Simulator, payment: Payment
) -> None:
    with pytest.raises(GatewayRefused, match="2071"):
        await gateway.refund(payment, a_refund(shop, 10_001))
    assert await simulator.money(payment.id) == (10_000, 0)


@pytest.mark.parametrize("code", ["503", "2003", "2029"])
async def test_patience_is_asked_for(
    shop: Shop, gateway: BkashGateway, simulator: Simulator, payment: Payment, code: str
) -> None:
    refund = a_refund(shop, 3_000)
    await simulator.refuse("refund", code, "refund")
    with pytest.raises(Unavailable):
        await gateway.refund(payment, refund)
    await gateway.refund(payment, refund)
    assert await simulator.money(payment.id) == (10_000, 3_000)


async def test_a_payment_without_refunds_may_be_told_as_not_found(
    shop: Shop, gateway: BkashGateway, simulator: Simulator, payment: Payment
) -> None:
    await simulator.refuse("refund_status", "2033", "refund", times=2)
    assert (await gateway.look_up(payment)).refunds == ()
    assert (await gateway.refund(payment, a_refund(shop, 500))).state is RefundState.SUCCEEDED


async def test_states_of_a_refund(
    shop: Shop, gateway: BkashGateway, simulator: Simulator, payment: Payment
) -> None:
    listed = [
        {"refundTrxId": "A", "refundTransactionStatus": "Completed", "refundAmount": "10"},
        {"refundTrxId": "B", "refundTransactionStatus": "Initiated", "refundAmount": "1.50"},
        {"refundTrxId": "C", "refundTransactionStatus": "Failed", "refundAmount": "1.00"},
    ]
    await simulator.answer("refund_status", 200, {"refundTransactions": listed})
    refunds = (await gateway.look_up(payment)).refunds
    assert [(one.amount.amount_minor, one.state) for one in refunds] == [
        (1_000, RefundState.SUCCEEDED),
        (150, RefundState.PENDING),
        (100, RefundState.FAILED),
    ]


async def test_nothing_was_paid(shop: Shop, gateway: BkashGateway, simulator: Simulator) -> None:
    with pytest.raises(GatewayRefused):
        await gateway.refund(a_payment(shop, session_id="TR1"), a_refund(shop, 100))
    assert await simulator.calls("refund") == 0


async def test_a_second_part_right_after_an_answer_was_lost(
    shop: Shop, gateway: BkashGateway, simulator: Simulator, payment: Payment
) -> None:
    await simulator.lose_answer("refund")
    first = a_refund(shop, 3_000)
    told = await gateway.refund(payment, first)
    first.gateway_id, first.state = told.id, told.state
    payment.refunds.append(first)
    second = await gateway.refund(payment, a_refund(shop, 3_000))
    assert second.id != told.id
    assert await simulator.money(payment.id) == (10_000, 6_000)
