"""Refunds as admins make them: reserve, ask the gateway, hear how it ended."""

from __future__ import annotations

import asyncio

import pytest

from shothik_payment.domain.errors import (
    GatewayRefused,
    IdempotencyKeyReused,
    InsufficientCredits,
    NotFound,
    PartialRefundUnsupported,
    PaymentNotRefundable,
    RefundExceedsPayment,
    RefundInProgress,
    Unavailable,
)
from shothik_payment.domain.ledger.commands import Freeze
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import Payment, PaymentStatus, RefundState
from shothik_payment.domain.model.time import DAY, MINUTE
from shothik_payment.domain.ports.event_log import START
from shothik_payment.domain.ports.gateway import GatewayRefund, GatewayState
from tests.support.checkouts import PRICE, initiate, stored
from tests.support.service import ScriptedGateway, TestService, running_service
from tests.support.world import key

ASK_AGAIN = 2 * MINUTE
SUCCEEDED, PENDING = RefundState.SUCCEEDED, RefundState.PENDING


async def bought(service: TestService) -> Payment:
    """100 credits for 10.00 USD, as the gateway has it, too."""
    payment = await initiate(service)
    service.gateway.says(payment, GatewayState.PAID, PRICE)
    await service.hear(payment)
    return await stored(service, payment)


async def figures(service: TestService) -> tuple[int, int, int]:
    wallet = await service.views.wallet("u1")
    return wallet.available, wallet.held, wallet.debt


async def refund(
    service: TestService, payment: Payment, amount_minor: int | None = None, word: str | None = None
) -> Payment:
    request = None if word is None else key(word, str(amount_minor).encode())
    done = await service.payment_admin.refund(payment.id, amount_minor, "not used", request)
    assert done.payment is not None
    return done.payment


async def spend(service: TestService, amount: int) -> None:
    await service.spend.deduct(service.caller(), "u1", amount=amount, units=None)


async def test_a_refund_returns_the_money_and_takes_the_credits(service: TestService) -> None:
    payment = await bought(service)
    await spend(service, 50)
    done = await refund(service, payment)
    assert done == await stored(service, payment)
    assert (done.status, done.refunded_minor) == (PaymentStatus.REFUNDED, 1000)
    (made,) = done.refunds
    assert (made.state, made.clawed, made.reason) == (SUCCEEDED, 100, "not used")
    assert made.gateway_id == service.gateway.refunded[made.id].id
    assert await figures(service) == (0, 0, 50)


async def test_the_credits_are_reserved_before_the_gateway_is_asked(service: TestService) -> None:
    payment = await bought(service)
    asked, answer = asyncio.Event(), asyncio.Event()

    class Slow(ScriptedGateway):
        async def refund(self, *args: object) -> GatewayRefund:
            asked.set()
            await answer.wait()
            return await super().refund(*args)  # type: ignore[arg-type]

    service.use_gateways(Slow())
    asking = asyncio.create_task(refund(service, payment, 800))
    await asked.wait()
    assert await figures(service) == (20, 80, 0)
    with pytest.raises(InsufficientCredits):
        await spend(service, 21)
    with pytest.raises(RefundInProgress):
        await refund(service, payment, 1)
    answer.set()
    assert (await asking).refunded_minor == 800
    assert await figures(service) == (20, 0, 0)


async def test_a_refusal_by_the_gateway_releases_and_frees_the_key(service: TestService) -> None:
    payment = await bought(service)
    service.gateway.refund_fails = GatewayRefused("sandbox", "too_old")
    with pytest.raises(GatewayRefused, match="too_old"):
        await refund(service, payment, 500, "r1")
    failed = await stored(service, payment)
    assert (failed.status, failed.refunds[0].failure_code) == (PaymentStatus.PAID, "too_old")
    assert await figures(service) == (100, 0, 0)
    service.gateway.back()
    done = await refund(service, payment, 600, "r1")
    assert (done.refunded_minor, len(done.refunds)) == (600, 2)


async def test_without_an_answer_it_is_pending_and_asked_once_more_under_the_same_id(
    service: TestService,
) -> None:
    payment = await bought(service)
    service.gateway.away()
    waiting = await refund(service, payment, 500, "r1")
    (pending,) = waiting.refunds
    assert (pending.state, pending.gateway_id) == (PENDING, None)
    assert await figures(service) == (50, 50, 0)
    assert waiting.next_check_at == service.clock.now() + ASK_AGAIN
    # The client asks again: it is the same, and the gateway is left alone.
    assert await refund(service, payment, 500, "r1") == waiting
    assert service.gateway.refund_asks == [pending.id]
    service.gateway.back()
    service.clock.advance(ASK_AGAIN - 1)
    assert await service.payment_checks.check_due() == 0
    service.clock.advance(1)
    await asyncio.gather(*(service.payment_checks.check_due() for _ in range(3)))
    assert service.gateway.refund_asks == [pending.id] * 2
    done = await stored(service, payment)
    assert (done.refunds[0].state, done.next_check_at) == (SUCCEEDED, None)
    assert await figures(service) == (50, 0, 0)


async def test_an_answer_that_got_lost_is_no_second_refund(service: TestService) -> None:
    payment = await bought(service)

    class Lossy(ScriptedGateway):
        async def refund(self, *args: object) -> GatewayRefund:
            told = await super().refund(*args)  # type: ignore[arg-type]
            if len(self.refund_asks) == 1:
                raise Unavailable("The answer got lost.")
            return told

    gateway = Lossy()
    service.use_gateways(gateway)
    gateway.says(payment, GatewayState.PAID, PRICE)
    await refund(service, payment, 500)
    service.clock.advance(ASK_AGAIN)
    await service.payment_checks.check_due()
    assert len(gateway.refunded) == 1
    assert (await stored(service, payment)).refunded_minor == 500
    assert await figures(service) == (50, 0, 0)


async def test_what_takes_the_gateway_days_is_looked_up_until_it_has_ended(
    service: TestService,
) -> None:
    payment = await bought(service)
    service.gateway.refund_state = PENDING
    begun = (await refund(service, payment)).refunds[0]
    assert (begun.state, begun.gateway_id) == (PENDING, f"re_{begun.id}")
    for _ in range(3):
        service.clock.advance(DAY)
        assert await service.payment_checks.check_due() == 1
    assert service.gateway.refund_asks == [begun.id]
    told = service.gateway.refunded[begun.id]
    service.gateway.refunded[begun.id] = GatewayRefund(told.id, told.amount, SUCCEEDED, begun.id)
    service.clock.advance(DAY)
    await service.payment_checks.check_due()
    assert (await stored(service, payment)).status is PaymentStatus.REFUNDED
    service.clock.advance(DAY)
    assert await service.payment_checks.check_due() == 0


async def test_refused_when_it_is_asked_again_it_is_released(service: TestService) -> None:
    payment = await bought(service)
    service.gateway.away()
    await refund(service, payment)
    service.gateway.back()
    service.gateway.refund_fails = GatewayRefused("sandbox", "too_old")
    service.clock.advance(ASK_AGAIN)
    await service.payment_checks.check_due()
    found = await stored(service, payment)
    assert (found.status, found.refunds[0].state) == (PaymentStatus.PAID, RefundState.FAILED)
    assert await figures(service) == (100, 0, 0)


# Repeats


async def test_a_repeat_is_the_same_refund_and_another_body_is_refused(
    service: TestService,
) -> None:
    payment = await bought(service)
    first = await refund(service, payment, 300, "r1")
    assert await refund(service, payment, 300, "r1") == first
    with pytest.raises(IdempotencyKeyReused):
        await refund(service, payment, 301, "r1")
    assert len(service.gateway.refund_asks) == 1
    assert await figures(service) == (70, 0, 0)


async def test_two_at_once_under_one_key_are_one_refund(service: TestService) -> None:
    payment = await bought(service)
    await asyncio.gather(*(refund(service, payment, 300, "r1") for _ in range(3)))
    assert len(service.gateway.refunded) == 1
    assert (await stored(service, payment)).refunded_minor == 300


async def test_two_at_once_without_a_key_one_has_to_wait(service: TestService) -> None:
    payment = await bought(service)
    ended = await asyncio.gather(
        *(refund(service, payment, 300) for _ in range(2)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in ended) == ["Payment", "RefundInProgress"]
    assert (await stored(service, payment)).refunded_minor == 300


async def test_a_repeat_is_answered_though_its_gateway_is_gone(service: TestService) -> None:
    payment = await bought(service)
    first = await refund(service, payment, 300, "r1")
    service.use_gateways(ScriptedGateway("stripe"))
    assert await refund(service, payment, 300, "r1") == first
    with pytest.raises(Unavailable, match="gateway"):
        await refund(service, payment, 300, "r2")


# What is refused


async def test_a_gateway_that_returns_all_or_nothing() -> None:
    async with running_service(ScriptedGateway(partial_refunds=False)) as service:
        payment = await bought(service)
        with pytest.raises(PartialRefundUnsupported):
            await refund(service, payment, 999)
        done = await refund(service, payment, word="r1")
        assert done.status is PaymentStatus.REFUNDED
        assert await refund(service, payment, word="r1") == done
    async with running_service(ScriptedGateway(partial_refunds=False)) as service:
        payment = await bought(service)
        assert (await refund(service, payment, 1000)).status is PaymentStatus.REFUNDED


async def test_no_more_than_was_paid_and_only_what_was_paid(service: TestService) -> None:
    payment = await bought(service)
    with pytest.raises(RefundExceedsPayment):
        await refund(service, payment, 1001)
    with pytest.raises(NotFound):
        await service.payment_admin.refund("pay_nope", None, None)
    unpaid = await initiate(service)
    with pytest.raises(PaymentNotRefundable):
        await refund(service, unpaid)
    assert service.gateway.refund_asks == []
    assert await figures(service) == (100, 0, 0)


async def test_the_frozen_are_refunded(service: TestService) -> None:
    payment = await bought(service)
    at = service.clock.now()
    await service.writer.submit(Freeze(id="f", user_id="u1", at=at, reason="fraud"))
    assert (await refund(service, payment)).status is PaymentStatus.REFUNDED


# Begun at the gateway, and ended there


async def test_from_the_dashboard_it_ends_in_the_same_state(service: TestService) -> None:
    payment = await bought(service)
    await spend(service, 50)
    for state in (PENDING, SUCCEEDED, SUCCEEDED):
        told = GatewayRefund("re_board", PRICE, state)
        service.gateway.says(payment, GatewayState.PAID, PRICE, refunds=(told,))
        await service.hear(payment)
    assert await figures(service) == (0, 0, 50)
    told = [event.type for event in (await service.feed.page(START, 99, "u1")).events]
    assert told.count("payment.refunded") == 1


async def test_sent_back_by_the_payers_bank_the_credits_come_again(service: TestService) -> None:
    payment = await bought(service)
    done = (await refund(service, payment)).refunds[0]
    told = GatewayRefund(done.gateway_id or "", PRICE, RefundState.FAILED, done.id, "closed")
    service.gateway.refunded[done.id] = told
    await service.hear(payment)
    found = await stored(service, payment)
    assert (found.status, found.refundable_minor) == (PaymentStatus.PAID, 1000)
    assert await figures(service) == (100, 0, 0)


async def test_other_money_under_review_is_returned_in_its_own_currency(
    service: TestService,
) -> None:
    payment = await initiate(service)
    service.gateway.says(payment, GatewayState.PAID, Money(120_000, "BDT"))
    await service.hear(payment)
    with pytest.raises(RefundExceedsPayment) as refused:
        await refund(service, payment, 120_001)
    assert refused.value.currency == "BDT"
    done = await refund(service, payment)
    assert (done.status, done.refunded_minor) == (PaymentStatus.REFUNDED, 120_000)
    assert await figures(service) == (0, 0, 0)
