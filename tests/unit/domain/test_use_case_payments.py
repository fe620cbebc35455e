"""Checkouts, with a gateway that does what the test says."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shothik_payment.domain.errors import (
    GatewayRefused,
    InvalidRequest,
    NotFound,
    Unavailable,
    UserFrozen,
)
from shothik_payment.domain.ledger.commands import Freeze
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import PaymentStatus
from shothik_payment.domain.ports.gateway import GatewayState
from tests.support.checkouts import PRICE, crashed_before_the_checkout, initiate, stored
from tests.support.service import ScriptedGateway, TestService, running_service
from tests.support.world import key


@pytest.fixture
async def two() -> AsyncIterator[TestService]:
    """Two gateways: the first takes BDT only."""
    bkash = ScriptedGateway("bkash", ("BDT",))
    async with running_service(bkash, ScriptedGateway("stripe", ("USD", "BDT"))) as service:
        yield service


# Initiate


async def test_the_intent_is_recorded_and_the_gateways_checkout_attached(
    service: TestService,
) -> None:
    payment = await initiate(
        service, success_url="https://shothik.ai/ok", cancel_url="https://shothik.ai/no"
    )
    assert payment == await stored(service, payment)
    assert (payment.status, payment.price, payment.credits) == (PaymentStatus.PENDING, PRICE, 100)
    assert (payment.session_id, payment.pack_id) == (f"cs_{payment.id}", "credits_100")
    assert payment.payment_url == f"https://sandbox.example/cs_{payment.id}"
    assert (payment.success_url, payment.cancel_url) == (
        "https://shothik.ai/ok",
        "https://shothik.ai/no",
    )


async def test_return_addresses_may_have_a_place_for_the_payments_id(service: TestService) -> None:
    payment = await initiate(
        service,
        success_url="https://shothik.ai/back/{paymentId}?of={paymentId}",
        cancel_url="https://shothik.ai/{other}",
    )
    assert payment.success_url == f"https://shothik.ai/back/{payment.id}?of={payment.id}"
    assert payment.cancel_url == "https://shothik.ai/{other}"


async def test_any_number_of_credits_can_be_bought(service: TestService) -> None:
    payment = await initiate(service, pack_id=None, credits=250)
    assert (payment.credits, payment.price, payment.pack_id) == (250, Money(2500, "USD"), None)


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"pack_id": None}, "packId"),
        ({"credits": 10}, "packId"),
        ({"pack_id": None, "credits": 1}, "credits"),
        ({"gateway": "paypal"}, "gateway"),
        ({"currency": "EUR"}, "currency"),
        ({"gateway": "sandbox", "currency": "BDT"}, "currency"),
        ({"success_url": "https://evil.example"}, "successUrl"),
        ({"cancel_url": "https://evil.example"}, "cancelUrl"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_recorded(
    service: TestService, wrong: dict[str, Any], path: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await initiate(service, **wrong)
    assert [problem.path for problem in refused.value.fields] == [path]
    assert service.state.payments == {}
    assert service.gateway.started == []


async def test_an_unknown_pack_is_not_found(service: TestService) -> None:
    with pytest.raises(NotFound):
        await initiate(service, pack_id="credits_7")


async def test_the_first_gateway_that_takes_the_currency_is_picked(two: TestService) -> None:
    in_taka = await initiate(two, currency="BDT")
    assert (in_taka.gateway, in_taka.price) == ("bkash", Money(120_000, "BDT"))
    # Without a currency, the first that the pack is sold in and that any gateway takes.
    unsaid = await initiate(two)
    assert (unsaid.gateway, unsaid.price) == ("stripe", PRICE)
    assert (await initiate(two, gateway="bkash")).price == Money(120_000, "BDT")
    by_currency = await initiate(two, currency="USD")
    assert (by_currency.gateway, by_currency.price) == ("stripe", PRICE)
    assert (await initiate(two, gateway="stripe", currency="BDT")).gateway == "stripe"
    with pytest.raises(InvalidRequest, match="BDT"):
        await initiate(two, gateway="bkash", currency="USD")
    with pytest.raises(InvalidRequest, match="currency"):
        # No price in BDT for single credits.
        await initiate(two, pack_id=None, credits=50, currency="BDT")


async def test_the_frozen_cannot_pay(service: TestService) -> None:
    await service.writer.submit(
        Freeze(id="f", user_id="u1", at=service.clock.now(), reason="fraud")
    )
    with pytest.raises(UserFrozen):
        await initiate(service)
    assert service.gateway.started == []


async def test_a_repeat_gives_the_same_session_and_asks_the_gateway_once(
    service: TestService,
) -> None:
    first = await initiate(service, request=key("p1"))
    again = await initiate(service, request=key("p1"))
    assert (again.id, again.session_id) == (first.id, first.session_id)
    assert service.gateway.started == [first.id]
    assert len(service.state.payments) == 1


async def test_two_at_once_under_one_key_are_one_payment(service: TestService) -> None:
    first, second = await asyncio.gather(
        initiate(service, request=key("p1")), initiate(service, request=key("p1"))
    )
    assert (first.id, first.session_id) == (second.id, second.session_id)
    assert first.session_id is not None


@pytest.mark.parametrize("error", [GatewayRefused("sandbox", "no"), Unavailable("away")])
async def test_a_gateway_that_says_no_fails_the_payment_and_frees_the_key(
    service: TestService, error: Exception
) -> None:
    service.gateway.refuses = error
    with pytest.raises(type(error)):
        await initiate(service, request=key("p1"))
    (payment,) = await service.payments.of_user("u1", None, 9)
    assert (payment.status, payment.next_check_at) == (PaymentStatus.FAILED, None)
    service.gateway.back()
    again = await initiate(service, request=key("p1", b"another body"))
    assert again.id != payment.id
    assert again.session_id is not None


async def test_a_repeat_after_a_crash_goes_on_where_the_first_got_to(
    service: TestService,
) -> None:
    intent = await crashed_before_the_checkout(service)
    again = await initiate(service, request=key("p1"))
    assert (again.id, again.session_id) == (intent.id, f"cs_{intent.id}")


async def test_a_repeat_after_a_crash_and_a_sweep_that_gave_up_still_gets_a_checkout(
    service: TestService,
) -> None:
    intent = await crashed_before_the_checkout(service)
    service.gateway.away()
    await service.payment_checks.check_due()
    assert (await stored(service, intent)).status is PaymentStatus.FAILED
    service.gateway.back()
    again = await initiate(service, request=key("p1"))
    assert again.session_id == f"cs_{again.id}"
    assert (await stored(service, intent)).status is PaymentStatus.CANCELLED
    service.gateway.says(again, GatewayState.PAID, PRICE)
    await service.advance(60_000)
    assert (await stored(service, again)).status is PaymentStatus.PAID


async def test_a_repeat_gives_the_same_session_though_its_gateway_is_gone(
    service: TestService,
) -> None:
    first = await initiate(service, gateway="sandbox", request=key("p1"))
    for left, refusal in (([], Unavailable), ([ScriptedGateway("stripe")], InvalidRequest)):
        service.use_gateways(*left)
        again = await initiate(service, gateway="sandbox", request=key("p1"))
        assert (again.id, again.session_id) == (first.id, first.session_id)
        with pytest.raises(refusal, match="gateway"):
            await initiate(service, gateway="sandbox", request=key("p2"))
    assert len(service.state.payments) == 1


async def test_an_intent_whose_gateway_is_gone_is_given_up_and_frees_the_key(
    service: TestService,
) -> None:
    intent = await crashed_before_the_checkout(service)
    service.use_gateways(ScriptedGateway("stripe"))
    with pytest.raises(Unavailable, match="gateway"):
        await initiate(service, request=key("p1"))
    assert (await stored(service, intent)).status is PaymentStatus.FAILED
    assert (await initiate(service, request=key("p1"))).gateway == "stripe"


# Reading


async def test_users_see_their_own_payments_only_newest_first(service: TestService) -> None:
    mine = [await initiate(service) for _ in range(3)]
    other = await initiate(service, "u2")
    assert (await service.checkouts.own("u1", mine[0].id)).id == mine[0].id
    for stranger in (other.id, "pay_nope"):
        with pytest.raises(NotFound):
            await service.checkouts.own("u1", stranger)
    page, following = await service.checkouts.of_user("u1", None, 2)
    assert [payment.id for payment in page] == [mine[2].id, mine[1].id]
    page, following = await service.checkouts.of_user("u1", following, 2)
    assert ([payment.id for payment in page], following) == ([mine[0].id], None)
