"""Gateways are compared with payments, and what differs is named, with its amount; what has one
right answer is mended."""

from __future__ import annotations

from typing import Any

import pytest

from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import DisputeState, PaymentStatus, RefundState
from shothik_payment.domain.model.time import DAY, Millis
from shothik_payment.domain.ports.gateway import GatewayState
from shothik_payment.domain.use_cases.differences import Kind
from shothik_payment.domain.use_cases.reconcile import Reconciled
from tests.support.checkouts import PRICE, initiate, stored
from tests.support.reconciling import (
    HALF,
    OPEN,
    PAID,
    bought,
    dispute,
    found,
    reconcile,
    refund,
    total,
    words,
)
from tests.support.service import TestService


async def test_whatever_became_of_a_payment_shows_no_difference(service: TestService) -> None:
    gateway = service.gateway
    await bought(service)
    await bought(service, "u2", refunds=(refund(),))
    await bought(service, "u3", refunds=(refund(state=RefundState.PENDING),))
    await bought(service, "u4", refunds=(refund(state=RefundState.FAILED),))
    for user, state in (("u5", DisputeState.OPEN), ("u6", DisputeState.LOST)):
        await bought(service, user, disputes=(dispute(state=state),))
    spent = await bought(service, "u7")
    await service.spend.deduct(service.caller(), "u7", amount=70, units=None, feature=None)
    for state in DisputeState.OPEN, DisputeState.WON:
        gateway.says(spent, PAID, PRICE, disputes=(dispute(HALF, state),), refunds=(refund(),))
        await service.hear(spent)
    failed = await bought(service, "u8", refunds=(refund(),))
    gateway.says(failed, PAID, PRICE, refunds=(refund(state=RefundState.FAILED),))
    await service.hear(failed)
    for end in GatewayState.FAILED, GatewayState.CANCELLED, GatewayState.EXPIRED, OPEN:
        closed = await initiate(service, "u9")
        gateway.says(closed, end)
        await service.hear(closed)
    await service.admin.adjust("u10", 5, "a user without a payment")
    seen = [done async for done in reconcile(service).run(repair=True)]
    assert [done.differences + done.repaired for done in seen] == [[]] * 10
    assert sum(done.payments for done in seen) == 12
    assert await reconcile(service).count() == 10


async def test_our_own_refund_whole_and_in_parts_shows_no_difference(
    service: TestService,
) -> None:
    payment = await bought(service)
    for amount in (333, 333, None):
        await service.payment_admin.refund(payment.id, amount, None)
        assert await found(service) == []


async def test_paid_and_not_settled_is_named_and_mended(service: TestService) -> None:
    payment = await initiate(service)
    service.gateway.says(payment, PAID, PRICE, refunds=(refund(),), disputes=(dispute(HALF),))
    seen = await found(service)
    assert words(seen, payment) == [
        "money paid: nothing here, 10.00 USD at sandbox",
        "refund re_1: nothing here, 5.00 USD succeeded at sandbox",
        "dispute dp_1: nothing here, 5.00 USD open at sandbox",
    ]
    assert [d.amount for d in seen] == [PRICE, HALF, HALF]
    assert all(d.repairable and d.kind is Kind.GATEWAY for d in seen)
    assert await stored(service, payment) == payment

    mended = await total(service, repair=True)
    assert (mended.repaired, mended.differences) == (seen, [])
    settled = await stored(service, payment)
    assert (settled.status, settled.refunded_minor) == (PaymentStatus.DISPUTED, 500)
    assert await total(service, repair=True) == Reconciled("all", 1)


async def test_what_contradicts_is_brought_to_review_and_stays_named(
    service: TestService,
) -> None:
    other = Money(999, "USD")
    sum_differs, meant_differently = await initiate(service, "u1"), await initiate(service, "u2")
    service.gateway.says(sum_differs, PAID, other)
    service.gateway.says(meant_differently, PAID, PRICE, payment_id="pay_other")
    mended = await total(service, repair=True)
    assert [str(d) for d in mended.differences] == [
        f"u1, {sum_differs.id}: under review, 9.99 USD: paid 9.99 USD, asked for 10.00 USD",
        f"u2, {meant_differently.id}: under review, 10.00 USD: "
        "the gateway says that the money is for pay_other",
    ]
    assert [d.what for d in mended.repaired] == ["money paid", "money paid", "the payment"]
    assert not any(d.repairable for d in mended.differences)
    assert (await service.views.wallet("u1")).available == 0


@pytest.mark.parametrize(
    ("told", "named", "amount"),
    [
        ({"state": OPEN, "paid": None}, "money paid: 10.00 USD here, nothing at sandbox", PRICE),
        (
            {"paid": Money(998, "USD")},
            "money paid: 10.00 USD here, 9.98 USD at sandbox",
            Money(2, "USD"),
        ),
        (
            {"paid": Money(1000, "BDT")},
            "money paid: 10.00 USD here, 10.00 BDT at sandbox",
            Money(1000, "BDT"),
        ),
        ({"payment_id": "pay_other"}, "the payment: {id} here, pay_other at sandbox", PRICE),
        ({"refunds": ()}, "refund re_1: 5.00 USD succeeded here, nothing at sandbox", HALF),
        (
            {"refunds": (refund(Money(400, "USD")),)},
            "refund re_1: 5.00 USD succeeded here, 4.00 USD succeeded at sandbox",
            Money(100, "USD"),
        ),
        (
            {"refunds": (refund(state=RefundState.PENDING),)},
            "refund re_1: 5.00 USD succeeded here, 5.00 USD pending at sandbox",
            HALF,
        ),
        (
            {"disputes": ()},
            "dispute dp_1: 2.00 USD won here, nothing at sandbox",
            Money(200, "USD"),
        ),
        (
            {"disputes": (dispute(Money(200, "USD"), DisputeState.LOST),)},
            "dispute dp_1: 2.00 USD won here, 2.00 USD lost at sandbox",
            Money(200, "USD"),
        ),
        (
            {"disputes": (dispute(Money(300, "USD"), DisputeState.WON),)},
            "dispute dp_1: 2.00 USD won here, 3.00 USD won at sandbox",
            Money(100, "USD"),
        ),
    ],
)
async def test_what_the_gateway_takes_back_is_named_and_left(
    service: TestService, told: dict[str, Any], named: str, amount: Money
) -> None:
    right: dict[str, Any] = {
        "state": PAID,
        "paid": PRICE,
        "refunds": (refund(),),
        "disputes": (dispute(Money(200, "USD"), DisputeState.WON),),
    }
    payment = await bought(service, refunds=right["refunds"], disputes=right["disputes"])
    assert await found(service) == []
    service.gateway.says(payment, **right | told)
    left = await total(service, repair=True)
    assert words(left.differences, payment) == [named.format(id=payment.id)]
    assert left.differences[0].amount == amount
    assert left.repaired == []


@pytest.mark.parametrize(
    ("before", "after", "clawed"),
    [
        ({"refunds": (refund(state=RefundState.PENDING),)}, {"refunds": (refund(),)}, 50),
        ({"refunds": (refund(),)}, {"refunds": (refund(state=RefundState.FAILED),)}, 0),
        ({}, {"refunds": (refund(),)}, 50),
        ({}, {"disputes": (dispute(),)}, 100),
        ({"disputes": (dispute(),)}, {"disputes": (dispute(state=DisputeState.WON),)}, 0),
        ({"disputes": (dispute(),)}, {"disputes": (dispute(state=DisputeState.LOST),)}, 100),
        (
            {"disputes": (dispute(state=DisputeState.LOST),)},
            {"disputes": (dispute(state=DisputeState.WON),)},
            0,
        ),
    ],
)
async def test_refunds_and_disputes_that_went_on_at_the_gateway_are_caught_up_with(
    service: TestService, before: dict[str, Any], after: dict[str, Any], clawed: int
) -> None:
    payment = await bought(service, **before)
    service.gateway.says(payment, PAID, PRICE, **after)
    (difference,) = await found(service)
    assert (difference.kind, difference.repairable) == (Kind.GATEWAY, True)
    mended = await total(service, repair=True)
    assert (mended.repaired, mended.differences) == ([difference], [])
    assert (await service.views.wallet("u1")).available == 100 - clawed


async def test_a_repair_that_is_refused_is_named(service: TestService) -> None:
    payment = await initiate(service)
    service.gateway.says(payment, PAID, PRICE)
    await service.writer.stop()
    left = await total(service, repair=True)
    assert words(left.differences, payment) == [
        "money paid: nothing here, 10.00 USD at sandbox",
        "not repaired, 10.00 USD: The service is stopping.",
    ]
    assert left.repaired == []


async def test_payments_from_before_are_left_alone(service: TestService) -> None:
    old = await initiate(service)
    service.clock.advance(DAY)
    new = await initiate(service)
    for payment in old, new:
        service.gateway.says(payment, PAID, PRICE)
    seen = await total(service, since=new.created_at)
    assert seen.payments == 1
    assert words(seen.differences, new) == ["money paid: nothing here, 10.00 USD at sandbox"]
    assert (await total(service, since=Millis(new.created_at + 1))).payments == 0
