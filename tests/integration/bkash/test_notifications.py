"""Notifications over SNS that get in, and what is made of them."""

from __future__ import annotations

import pytest

from shothik_payment.adapters.bkash import BkashGateway
from shothik_payment.domain.errors import Misconfigured, Unauthenticated, Unavailable
from shothik_payment.domain.ports.gateway import Notification
from tests.integration.bkash.sns import raw, read
from tests.integration.bkash.support import Shop, a_payment, paid
from tests.simulators.bkash import Simulator


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("subject", [{}, {"Subject": "A payment"}])
async def test_a_payment_is_told(
    shop: Shop, gateway: BkashGateway, simulator: Simulator, version: str, subject: dict[str, str]
) -> None:
    payment = a_payment(shop)
    session_id = await paid(shop, gateway, payment)
    fields = {"SignatureVersion": version, **subject}
    message = await simulator.message(session_id=session_id, fields=fields)
    notification = await read(gateway, message)
    assert notification == Notification(
        message["MessageId"], "payment", payment.id, reference=payment.reference
    )
    assert await gateway.find_payment(notification) == payment.id


async def test_the_certificate_is_kept(gateway: BkashGateway, simulator: Simulator) -> None:
    for number in range(3):
        await read(gateway, await simulator.message(invoice=f"pay_{number}", trx_id="T1"))
    assert await simulator.calls("certificate") == 1


async def test_without_the_header_the_body_is_enough(
    gateway: BkashGateway, simulator: Simulator
) -> None:
    message = await simulator.message(invoice="pay_1", trx_id="T1")
    assert await gateway.read_notification(raw(message), {}) is not None
    with pytest.raises(Unauthenticated):
        await gateway.read_notification(
            raw(message), {"x-amz-sns-message-type": "SubscriptionConfirmation"}
        )


async def test_nothing_of_the_payer_is_in_it(gateway: BkashGateway, simulator: Simulator) -> None:
    message = await simulator.message(invoice="pay_1", trx_id="T1")
    assert "01770618575" in message["Message"]
    assert "01770618575" not in repr(await read(gateway, message))


@pytest.mark.parametrize("age_seconds", [3_540, -240])
async def test_late_or_early_within_bounds(
    gateway: BkashGateway, simulator: Simulator, age_seconds: int
) -> None:
    fields = {"age_seconds": age_seconds}
    assert await read(gateway, await simulator.message(invoice="pay_1", fields=fields))


async def test_a_kept_certificate_expires(
    shop: Shop, gateway: BkashGateway, simulator: Simulator
) -> None:
    assert await read(gateway, await simulator.message(invoice="pay_1"))
    shop.clock.advance(31 * 86_400)
    message = await simulator.message(invoice="pay_1", fields={"age_seconds": -31 * 86_400})
    with pytest.raises(Unauthenticated, match="valid"):
        await read(gateway, message)


async def test_amazon_is_away(shop: Shop, simulator: Simulator) -> None:
    """Not the message's fault: it is to be sent again."""
    gateway = shop.gateway(cert_origin="http://127.0.0.1:9")
    url = "http://127.0.0.1:9/a.pem"
    message = await simulator.message(invoice="pay_1", fields={"SigningCertURL": url})
    with pytest.raises(Unavailable):
        await read(gateway, message)


@pytest.mark.parametrize("version", ["1", "2"])
async def test_a_subscription_is_confirmed(
    gateway: BkashGateway, simulator: Simulator, version: str
) -> None:
    fields = {"Type": "SubscriptionConfirmation", "SignatureVersion": version}
    assert await read(gateway, await simulator.message(fields=fields)) is None
    assert await simulator.calls("confirm") == 1


async def test_unsubscribed(gateway: BkashGateway, simulator: Simulator) -> None:
    message = await simulator.message(fields={"Type": "UnsubscribeConfirmation"})
    assert await read(gateway, message) is None
    assert await simulator.calls("confirm") == 0


@pytest.mark.parametrize(
    "message",
    ["no json", "[]", "{}", '{"merchantInvoiceNumber": "INV-1", "trxID": "T1"}', '{"trxID": 5}'],
)
async def test_genuine_and_of_no_interest(
    gateway: BkashGateway, simulator: Simulator, message: str
) -> None:
    assert await read(gateway, await simulator.message(fields={"Message": message})) is None


async def test_a_payment_is_found_by_its_transaction(
    shop: Shop, gateway: BkashGateway, simulator: Simulator
) -> None:
    payment = a_payment(shop)
    await paid(shop, gateway, payment)
    message = await simulator.message(trx_id=payment.reference)
    notification = await read(gateway, message)
    assert notification == Notification(
        message["MessageId"], "payment", reference=payment.reference
    )
    assert await gateway.find_payment(notification) == payment.id
    await simulator.fail("search")
    with pytest.raises(Unavailable):
        await gateway.find_payment(notification)


async def test_not_one_of_ours(shop: Shop, gateway: BkashGateway) -> None:
    foreign = a_payment(shop, id="INV-1")
    await paid(shop, gateway, foreign)
    for notification in (
        Notification("e1", "payment", "INV-1"),
        Notification("e2", "payment", reference=foreign.reference),
        Notification("e3", "payment", reference="UNKNOWN"),
        Notification("e4", "payment", session_id="TR0011"),
    ):
        assert await gateway.find_payment(notification) is None


@pytest.mark.parametrize(
    "options",
    [
        {"topic_arn": "bkash-payments"},
        {"topic_arn": "arn:aws:sns:evil.example/:123456789012:x"},
        {"cert_origin": "https://evil.example"},
        {"cert_origin": "http://sns.ap-southeast-1.amazonaws.com"},
        {"cert_origin": "https://sns.ap-southeast-1.amazonaws.com@evil.example"},
    ],
)
async def test_wrong_settings(shop: Shop, options: dict[str, str]) -> None:
    with pytest.raises(Misconfigured):
        shop.gateway(**options)
