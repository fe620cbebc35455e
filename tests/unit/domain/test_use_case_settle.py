"""What a gateway is asked of a payment, because it told something or because it is time."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from shothik_payment.domain.errors import InvalidRequest, NotFound
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import DisputeState, PaymentStatus, RefundState
from shothik_payment.domain.ports.event_log import START
from shothik_payment.domain.ports.gateway import (
    GatewayDispute,
    GatewayRefund,
    GatewayState,
)
from tests.support.checkouts import PRICE, crashed_before_the_checkout, initiate, stored
from tests.support.service import ScriptedGateway, TestService, running_service


@pytest.fixture
def stripe() -> ScriptedGateway:
    return ScriptedGateway("stripe", ("USD", "BDT"))


@pytest.fixture
async def two(stripe: ScriptedGateway) -> AsyncIterator[TestService]:
    """Two gateways: the first takes BDT only."""
    async with running_service(ScriptedGateway("bkash", ("BDT",)), stripe) as service:
        yield service


async def balance(service: TestService) -> int:
    return (await service.views.wallet("u1")).available


# What the gateway says


async def test_a_notification_settles_once(service: TestService) -> None:
    payment = await initiate(service)
    service.gateway.says(payment, GatewayState.PAID, PRICE)
    for _ in range(3):
        await service.hear(payment)
    assert await balance(service) == 100
    settled = await stored(service, payment)
    assert (settled.status, settled.next_check_at) == (PaymentStatus.PAID, None)
    told = [event.type for event in (await service.feed.page(START, 9, "u1")).events]
    assert told == ["payment.completed", "credit.added"]


async def test_many_at_once_settle_once(service: TestService) -> None:
    payment = await initiate(service)
    service.gateway.says(payment, GatewayState.PAID, PRICE)
    await asyncio.gather(*(service.hear(payment) for _ in range(20)))
    assert await balance(service) == 100


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
    await service.hear(payment)
    await service.hear(payment)
    assert (await stored(service, payment)).status is status
    service.gateway.says(payment, GatewayState.PAID, PRICE)
    await service.hear(payment)
    assert (await stored(service, payment)).status is PaymentStatus.PAID
    service.gateway.says(payment, state)
    await service.hear(payment)
    assert (await stored(service, payment)).status is PaymentStatus.PAID
    assert await balance(service) == 100


async def test_agreed_at_the_gateway_is_authorised_until_it_is_paid(service: TestService) -> None:
    payment = await initiate(service)
    service.gateway.says(payment, GatewayState.AUTHORISED)
    await service.hear(payment)
    assert (await stored(service, payment)).status is PaymentStatus.AUTHORISED
    service.gateway.says(payment, GatewayState.PAID, PRICE)
    await service.hear(payment)
    assert (await stored(service, payment)).status is PaymentStatus.PAID


async def test_another_sum_goes_to_review_and_is_listed_until_it_is_accepted(
    service: TestService,
) -> None:
    payment = await initiate(service)
    service.gateway.says(payment, GatewayState.PAID, Money(999, "USD"))
    await service.hear(payment)
    assert (await stored(service, payment)).status is PaymentStatus.REVIEW
    assert await balance(service) == 0
    listed, following = await service.payment_admin.under_review(None, 5)
    assert ([found.id for found in listed], following) == ([payment.id], None)
    await service.payment_admin.accept(payment.id, "a cent is a cent")
    assert await balance(service) == 100
    assert await service.payment_admin.under_review(None, 5) == ([], None)


async def test_an_open_checkout_changes_nothing(service: TestService) -> None:
    payment = await initiate(service)
    service.gateway.says(payment, GatewayState.OPEN)
    await service.hear(payment)
    assert await stored(service, payment) == payment


async def test_the_gateways_word_on_refunds_and_disputes_is_taken_with_the_payment(
    service: TestService,
) -> None:
    payment = await initiate(service)
    service.gateway.says(
        payment,
        GatewayState.PAID,
        PRICE,
        refunds=(GatewayRefund("re_1", Money(300, "USD"), RefundState.SUCCEEDED),),
        disputes=(GatewayDispute("dp_1", Money(200, "USD"), DisputeState.OPEN),),
    )
    for _ in range(2):
        await service.hear(payment)
        assert await balance(service) == 50
    assert (await stored(service, payment)).status is PaymentStatus.DISPUTED


# Other checkouts


async def test_paid_in_another_checkout_goes_to_review(service: TestService) -> None:
    payment = await initiate(service)
    service.gateway.says(payment, GatewayState.PAID, PRICE, session_id="cs_other")
    await service.hear(payment, session_id="cs_other")
    found = await stored(service, payment)
    assert found.status is PaymentStatus.REVIEW
    assert found.review_reason == "paid in another checkout, cs_other"
    assert await balance(service) == 0


async def test_paid_a_second_time_is_looked_at_and_its_return_takes_no_credits(
    service: TestService,
) -> None:
    payment = await initiate(service)
    service.gateway.says(payment, GatewayState.PAID, PRICE)
    await service.hear(payment)
    returned = GatewayRefund("re_1", PRICE, RefundState.SUCCEEDED)
    for refunds in ((), (returned,)):
        service.gateway.says(
            payment,
            GatewayState.PAID,
            PRICE,
            session_id="cs_other",
            reference="ref_other",
            refunds=refunds,
        )
        await service.hear(payment, session_id="cs_other")
    found = await stored(service, payment)
    assert (found.status, found.refunds) == (PaymentStatus.PAID, [])
    assert found.review_reason == "paid in another checkout, cs_other"
    assert await balance(service) == 100


@pytest.mark.parametrize(
    "state",
    [
        GatewayState.FAILED,
        GatewayState.CANCELLED,
        GatewayState.EXPIRED,
        GatewayState.OPEN,
        GatewayState.AUTHORISED,
    ],
)
async def test_a_second_checkout_that_is_not_paid_says_nothing_of_the_first(
    service: TestService, state: GatewayState
) -> None:
    payment = await initiate(service)
    service.gateway.says(payment, state, session_id="cs_other")
    await service.hear(payment, session_id="cs_other")
    assert await stored(service, payment) == payment


async def test_money_that_the_gateway_has_for_another_payment_goes_to_review(
    service: TestService,
) -> None:
    mine, other = await initiate(service), await initiate(service, "u2")
    service.gateway.says(mine, GatewayState.PAID, PRICE, payment_id=other.id)
    await service.hear(mine)
    assert (await stored(service, mine)).status is PaymentStatus.REVIEW
    assert (await stored(service, other)).status is PaymentStatus.PENDING
    assert await balance(service) == 0


async def test_a_notification_that_fits_nothing_settles_nothing(
    two: TestService, stripe: ScriptedGateway
) -> None:
    payment = await initiate(two, gateway="stripe")
    stripe.says(payment, GatewayState.PAID, payment.price)
    # The other gateway's word about it, and its own about a payment that is not ours.
    await two.webhooks.hear("bkash", two.gateway.notification(payment), {})
    nobody = stripe.notification(payment, payment_id="pay_nope")
    await two.webhooks.hear("stripe", nobody, {})
    with pytest.raises(NotFound):
        await two.webhooks.hear("paypal", b"", {})
    with pytest.raises(InvalidRequest):
        await two.webhooks.hear("stripe", b"nonsense", {})
    assert await stored(two, payment) == payment
    assert await balance(two) == 0


async def test_told_by_the_money_alone_the_gateway_knows_whose_it_is(service: TestService) -> None:
    payment = await initiate(service)
    service.gateway.says(payment, GatewayState.PAID, PRICE)
    await service.hear(payment, payment_id=None, session_id=None, reference=f"ref_{payment.id}")
    assert await balance(service) == 100


async def test_told_of_a_payment_whose_checkout_was_not_attached_yet_it_settles(
    service: TestService,
) -> None:
    intent = await crashed_before_the_checkout(service)
    service.gateway.says(intent, GatewayState.PAID, PRICE)
    await service.hear(intent, session_id=f"cs_{intent.id}")
    found = await stored(service, intent)
    assert (found.status, found.session_id) == (PaymentStatus.PAID, f"cs_{intent.id}")
    assert await balance(service) == 100


# The browser


async def test_a_payer_who_comes_back_finds_the_payment_settled(service: TestService) -> None:
    payment = await initiate(service)
    service.gateway.says(payment, GatewayState.PAID, PRICE)
    found, further = await service.settlements.returned("sandbox", payment.session_id or "")
    assert (found.status, further) == (PaymentStatus.PAID, None)
    assert service.gateway.completed == [payment.id]
    assert await balance(service) == 100


async def test_a_payer_who_has_to_go_on_is_sent_on(service: TestService) -> None:
    payment = await initiate(service)
    service.gateway.says(payment, GatewayState.OPEN, continue_url="https://sandbox.example/on")
    found, further = await service.settlements.returned("sandbox", payment.session_id or "")
    assert (found.status, further) == (PaymentStatus.PENDING, "https://sandbox.example/on")


async def test_a_payer_who_comes_back_while_the_gateway_is_away_is_served(
    service: TestService,
) -> None:
    payment = await initiate(service)
    service.gateway.away()
    found, further = await service.settlements.returned("sandbox", payment.session_id or "")
    assert (found.status, further) == (PaymentStatus.PENDING, None)


async def test_what_a_browser_brings_is_looked_for_and_not_believed(two: TestService) -> None:
    payment = await initiate(two, gateway="stripe")
    for gateway, session in (("paypal", "x"), ("stripe", "cs_nope"), ("bkash", f"cs_{payment.id}")):
        with pytest.raises(NotFound):
            await two.settlements.returned(gateway, session)
    assert await stored(two, payment) == payment
