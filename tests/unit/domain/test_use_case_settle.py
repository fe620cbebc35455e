"""What a gateway says of a payment, told or asked, told twice or late."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from shothik_payment.domain.errors import (
    InvalidRequest,
    NotFound,
)
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import PaymentStatus
from shothik_payment.domain.model.time import DAY, HOUR
from shothik_payment.domain.ports.event_log import START
from shothik_payment.domain.ports.gateway import GatewayReport, GatewayState
from shothik_payment.domain.use_cases.payments import FIRST_CHECK_MS, LAST_CHECK_AFTER_MS
from tests.support.checkouts import PRICE, crashed_before_the_checkout, initiate, stored
from tests.support.service import ScriptedGateway, TestService, running_service


@pytest.fixture
async def two() -> AsyncIterator[TestService]:
    """Two gateways: the first takes BDT only."""
    bkash = ScriptedGateway("bkash", ("BDT",))
    async with running_service(bkash, ScriptedGateway("stripe", ("USD", "BDT"))) as service:
        yield service


# What the gateway says


async def test_a_notification_settles_once(service: TestService) -> None:
    payment = await initiate(service)
    service.gateway.says(payment, GatewayState.PAID, PRICE)
    for _ in range(3):
        await service.checkouts.hear("sandbox", payment.id.encode(), {})
    assert (await service.views.wallet("u1")).available == 100
    settled = await stored(service, payment)
    assert (settled.status, settled.next_check_at) == (PaymentStatus.PAID, None)
    told = [event.type for event in (await service.feed.page(START, 9, "u1")).events]
    assert told == ["payment.completed", "credit.added"]


async def test_many_at_once_settle_once(service: TestService) -> None:
    payment = await initiate(service)
    service.gateway.says(payment, GatewayState.PAID, PRICE)
    hear = service.checkouts.hear
    await asyncio.gather(*(hear("sandbox", payment.id.encode(), {}) for _ in range(20)))
    assert (await service.views.wallet("u1")).available == 100


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (GatewayState.FAILED, PaymentStatus.FAILED),
        (GatewayState.CANCELLED, PaymentStatus.CANCELLED),
        (GatewayState.EXPIRED, PaymentStatus.EXPIRED),
    ],
)
async def test_unpaid_is_closed_and_paid_after_that_settles_and_stays(
    service: TestService, state: GatewayState, status: PaymentStatus
) -> None:
    payment = await initiate(service)
    service.gateway.says(payment, state)
    await service.checkouts.hear("sandbox", payment.id.encode(), {})
    await service.checkouts.hear("sandbox", payment.id.encode(), {})
    assert (await stored(service, payment)).status is status
    service.gateway.says(payment, GatewayState.PAID, PRICE)
    await service.checkouts.hear("sandbox", payment.id.encode(), {})
    assert (await stored(service, payment)).status is PaymentStatus.PAID
    service.gateway.says(payment, state)
    await service.checkouts.hear("sandbox", payment.id.encode(), {})
    assert (await stored(service, payment)).status is PaymentStatus.PAID
    assert (await service.views.wallet("u1")).available == 100


async def test_another_sum_goes_to_review(service: TestService) -> None:
    payment = await initiate(service)
    service.gateway.says(payment, GatewayState.PAID, Money(999, "USD"))
    await service.checkouts.hear("sandbox", payment.id.encode(), {})
    assert (await stored(service, payment)).status is PaymentStatus.REVIEW
    assert (await service.views.wallet("u1")).available == 0


async def test_an_open_checkout_changes_nothing(service: TestService) -> None:
    payment = await initiate(service)
    service.gateway.says(payment, GatewayState.OPEN)
    await service.checkouts.hear("sandbox", payment.id.encode(), {})
    assert await stored(service, payment) == payment


async def test_a_notification_that_fits_nothing_settles_nothing(two: TestService) -> None:
    payment = await initiate(two, gateway="stripe")
    paid = {"state": GatewayState.PAID, "paid": payment.price}
    right = f"cs_{payment.id}"
    for gateway, report in (
        ("stripe", GatewayReport("pay_nope", right, **paid)),
        ("bkash", GatewayReport(payment.id, right, **paid)),
        ("stripe", GatewayReport(payment.id, "cs_other", **paid)),
    ):
        with pytest.raises(NotFound):
            await two.checkouts.settle(gateway, report)
    with pytest.raises(NotFound):
        await two.checkouts.hear("paypal", b"", {})
    with pytest.raises(InvalidRequest):
        await two.checkouts.hear("stripe", b"nonsense", {})
    assert await stored(two, payment) == payment


# Asking the gateway


async def test_an_open_payment_is_asked_about_when_it_is_due(service: TestService) -> None:
    payment = await initiate(service)
    service.clock.advance(FIRST_CHECK_MS - 1)
    assert await service.checkouts.check_open() == 0
    service.clock.advance(1)
    service.gateway.says(payment, GatewayState.PAID, PRICE)
    assert await service.checkouts.check_open() == 1
    assert (await stored(service, payment)).status is PaymentStatus.PAID
    service.clock.advance(DAY)
    assert await service.checkouts.check_open() == 0


async def test_pauses_grow_to_an_hour_and_after_three_days_the_payment_has_expired(
    service: TestService,
) -> None:
    payment = await initiate(service)
    begun = service.clock.now()
    pauses = []
    while (due := (await stored(service, payment)).next_check_at) is not None:
        pauses.append(due - service.clock.now())
        service.clock.time = due
        assert await service.checkouts.check_open() == 1
    assert pauses[:4] == [FIRST_CHECK_MS * factor for factor in (1, 1, 2, 3)]
    assert max(pauses) == HOUR
    assert 0 < service.clock.now() - begun - LAST_CHECK_AFTER_MS <= HOUR
    ended = await stored(service, payment)
    assert (ended.status, ended.failure_code) == (PaymentStatus.EXPIRED, "not_paid_in_time")


async def test_a_gateway_that_is_away_is_asked_again(service: TestService) -> None:
    payment = await initiate(service)
    service.gateway.away()
    service.clock.advance(FIRST_CHECK_MS)
    await service.checkouts.check_open()
    waiting = await stored(service, payment)
    assert (waiting.status, waiting.checks) == (PaymentStatus.PENDING, 1)
    assert waiting.next_check_at == service.clock.now() + FIRST_CHECK_MS


async def test_one_payment_that_cannot_be_matched_holds_up_no_other(
    service: TestService,
) -> None:
    strange, good = await initiate(service), await initiate(service)
    service.gateway.states[strange.id] = GatewayReport(
        strange.id, "cs_of_somebody", GatewayState.PAID, PRICE
    )
    service.gateway.says(good, GatewayState.PAID, PRICE)
    service.clock.advance(FIRST_CHECK_MS)
    assert await service.checkouts.check_open() == 2
    assert (await stored(service, good)).status is PaymentStatus.PAID
    assert (await stored(service, strange)).checks == 1


async def test_a_payment_of_a_gateway_that_is_gone_is_put_off(service: TestService) -> None:
    intent = await crashed_before_the_checkout(service)
    other = service.checkouts_with(ScriptedGateway("stripe"))
    await other.check_open()
    assert (await stored(service, intent)).checks == 1
