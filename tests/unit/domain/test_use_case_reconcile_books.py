"""Ledger, balance and outbox are compared with what payments say of themselves, and what waits for
somebody is named."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from shothik_payment.adapters import codec
from shothik_payment.adapters.memory.pruning import MemoryPruning
from shothik_payment.domain.ledger.commands import GrantCredits
from shothik_payment.domain.model.grant import GrantSource
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import (
    Dispute,
    DisputeState,
    PaymentStatus,
    Refund,
    RefundState,
)
from shothik_payment.domain.model.time import DAY, HOUR, Millis
from shothik_payment.domain.ports.gateway import GatewayDispute
from shothik_payment.domain.use_cases.differences import Kind
from tests.support.checkouts import PRICE, crashed_before_the_checkout, initiate
from tests.support.reconciling import HALF, PAID, bought, found, refund, spoil, total, words
from tests.support.service import TestService


@pytest.fixture
async def spoiled() -> AsyncIterator[TestService]:
    """A service whose ledger may be wrong when it stops."""
    service = TestService()
    service.writer.start()
    yield service
    await service.writer.stop()


# What waits for somebody


async def test_what_never_got_to_the_gateway_is_named_after_a_day(service: TestService) -> None:
    intent = await crashed_before_the_checkout(service)
    service.clock.advance(DAY)
    assert await found(service) == []
    service.clock.advance(1)
    (difference,) = await found(service)
    assert words([difference], intent) == [
        "without a checkout, 10.00 USD: open since 2023-11-14T22:13:20.000Z"
    ]
    assert difference.kind is Kind.ATTENTION


async def test_a_refund_that_the_gateway_does_not_take_is_named_after_a_day(
    service: TestService,
) -> None:
    payment = await bought(service)
    service.gateway.away()
    await service.payment_admin.refund(payment.id, 500, None)
    service.gateway.back()
    service.clock.advance(DAY)
    assert await found(service) == []
    service.clock.advance(1)
    (difference,) = await found(service)
    assert difference.amount == HALF
    assert "the gateway has not taken it since 2023-11-14" in str(difference)


# The ledger


async def grant(service: TestService, payment_id: str, reason: str | None = None) -> None:
    await service.writer.submit(
        GrantCredits(
            id=service.ids.next(),
            user_id="u1",
            at=service.clock.now(),
            amount=30,
            source=GrantSource.PURCHASE,
            payment_id=payment_id,
            reason=reason,
        )
    )


async def test_a_second_grant_is_named(service: TestService) -> None:
    payment = await bought(service)
    await grant(service, payment.id)
    (difference,) = await found(service, repair=True)
    assert difference.theirs is not None
    assert str(difference.theirs).startswith(f"130 in {payment.grant_id}, ")
    assert (difference.ours, difference.amount) == (f"100 in {payment.grant_id}", 30)
    assert (difference.kind, difference.what) == (Kind.LEDGER, "credits granted")


async def test_a_grant_for_a_payment_that_is_not_paid_is_named(service: TestService) -> None:
    payment = await initiate(service)
    await grant(service, payment.id)
    (difference,) = await found(service, repair=True)
    assert words([difference], payment)[0].startswith(
        "credits granted: should be nothing, the ledger has 30 in "
    )
    assert difference.amount == 30


async def test_credits_of_a_payment_that_is_not_there_are_named(service: TestService) -> None:
    other = await bought(service, "u2")
    for payment_id in ("pay_none", other.id):
        await grant(service, payment_id)
    await service.admin.adjust("u1", 1, "r")
    seen = [str(d) for d in await found(service)]
    assert seen == [
        f"u1, {payment_id}: credits of a payment that the user does not have: "
        "should be 0, the ledger has 30"
        for payment_id in sorted(("pay_none", other.id))
    ]


@pytest.mark.parametrize(
    ("changes", "named", "amount"),
    [
        (
            {"grant_id": "grn_other"},
            "credits granted: should be 100 in grn_other, the ledger has 100 in {grant}",
            100,
        ),
        (
            {"credits": 120},
            "credits granted: should be 120 in {grant}, the ledger has 100 in {grant}",
            20,
        ),
        (
            {
                "disputes": [Dispute("dp_1", 300, DisputeState.LOST, Millis(0), 30)],
                "status": PaymentStatus.LOST,
            },
            "credits taken back: should be 30, the ledger has 0",
            30,
        ),
        (
            {"refunded_minor": 400, "status": PaymentStatus.PARTIALLY_REFUNDED},
            "money returned: should be 0.00 USD, the ledger has 4.00 USD",
            Money(400, "USD"),
        ),
        (
            {"status": PaymentStatus.REFUNDED},
            "status: should be paid, the ledger has refunded",
            PRICE,
        ),
    ],
)
async def test_a_payment_that_its_rows_do_not_bear_out_is_named(
    service: TestService, changes: dict[str, Any], named: str, amount: Money | int
) -> None:
    payment = await bought(service)
    disputes = [
        GatewayDispute(d.id, Money(d.amount_minor, "USD"), d.state)
        for d in changes.get("disputes", ())
    ]
    service.gateway.says(payment, PAID, PRICE, disputes=tuple(disputes))
    spoil(service, payment, **changes)
    (difference,) = await found(service)
    assert words([difference], payment) == [named.format(grant=payment.grant_id)]
    assert (difference.kind, difference.amount) == (Kind.LEDGER, amount)


async def test_a_payment_called_paid_without_its_credits_is_named(service: TestService) -> None:
    payment = await initiate(service)
    service.gateway.says(payment, PAID, PRICE)
    spoil(service, payment, status=PaymentStatus.PAID, paid=PRICE)
    assert words(await found(service, repair=True), payment) == [
        "status: should be review, the ledger has paid"
    ]
    spoil(service, payment, status=PaymentStatus.PAID)
    assert words(await found(service, repair=True), payment) == [
        "status: should be not paid, the ledger has paid",
        "money paid: nothing here, 10.00 USD at sandbox",
    ]


async def test_credits_that_a_refund_left_are_named(service: TestService) -> None:
    payment = await bought(service)
    service.gateway.says(payment, PAID, PRICE, refunds=(refund(),))
    kept = Refund("re_1", 500, RefundState.SUCCEEDED, service.clock.now(), gateway_id="re_1")
    spoil(service, payment, refunds=[kept], refunded_minor=500)
    assert words(await found(service), payment) == [
        "status: should be partially_refunded, the ledger has paid",
        "credits for money gone: should be 50, the ledger has 0",
        "payment.refunded: should be told 1 times, the outbox has 0",
    ]


async def test_a_wrong_balance_is_named(spoiled: TestService) -> None:
    await bought(spoiled)
    wallet = spoiled.state.wallet("u1")
    wallet.available += 5
    spoiled.state.wallets["u1"] = codec.encode(wallet)
    (difference,) = await found(spoiled)
    assert str(difference) == "u1: available is 105, the ledger gives 100"
    assert (difference.kind, difference.amount) == (Kind.BALANCE, 5)
    del spoiled.state.wallets["u1"]
    (difference,) = await found(spoiled)
    assert str(difference) == "u1: wallet is missing, the ledger gives rows"
    assert difference.amount is None


# The outbox


def lose(service: TestService, type_: str) -> None:
    service.state.events = [e for e in service.state.events if e.type != type_]


def double(service: TestService, type_: str) -> None:
    (event,) = [e for e in service.state.events if e.type == type_]
    position = str(int(service.state.events[-1].position) + 1)
    service.state.events.append(replace(event, position=position))


@pytest.mark.parametrize("type_", ["payment.completed", "payment.refunded"])
@pytest.mark.parametrize(("change", "has"), [(lose, 0), (double, 2)])
async def test_what_was_not_told_once_is_named(
    spoiled: TestService,
    type_: str,
    change: Callable[[TestService, str], None],
    has: int,
) -> None:
    payment = await bought(spoiled, refunds=(refund(),))
    change(spoiled, type_)
    seen = [d for d in await found(spoiled) if d.kind is not Kind.BALANCE]
    assert words(seen, payment) == [f"{type_}: should be told 1 times, the outbox has {has}"]
    assert (seen[0].kind, seen[0].amount) == (Kind.OUTBOX, PRICE)


async def test_told_of_an_unpaid_payment_is_named(spoiled: TestService) -> None:
    await bought(spoiled)
    unpaid = await initiate(spoiled)
    (told,) = [e for e in spoiled.state.events if e.type == "payment.completed"]
    (paid_id,) = {p for p in spoiled.state.payments if p != unpaid.id}
    told.data = told.data.replace(paid_id.encode(), unpaid.id.encode())
    assert sorted((d.payment_id, d.ours, d.theirs) for d in await found(spoiled)) == sorted(
        [(paid_id, 1, 0), (unpaid.id, 0, 1)]
    )


async def test_pruned_events_are_not_missed(service: TestService) -> None:
    payment = await bought(service)
    service.clock.advance(31 * DAY)
    assert await found(service) == []
    events = service.state.events
    await service.log.mark(events, [], service.clock.now())
    pruning = MemoryPruning(service.state)
    assert await pruning.prune_events(Millis(service.clock.now() - 30 * DAY), 100) == len(events)
    assert await found(service) == []
    service.gateway.says(payment, PAID, PRICE, refunds=(refund(),))
    assert len((await total(service, repair=True)).repaired) == 1
    service.clock.advance(HOUR)
    assert await found(service) == []
    service.state.events = [e for e in service.state.events if e.type != "payment.refunded"]
    named = [d.what for d in await found(service) if d.kind is Kind.OUTBOX]
    assert named == ["payment.refunded"]
    service.state.events = []
    service.state.pruned["u1"] = service.state.wallet("u1").events
