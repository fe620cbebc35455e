"""Opening checkouts as a user does, with what a test does not care about filled in."""

from typing import Any

from shothik_payment.domain.ledger.payment_commands import OpenPayment
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import Payment, PaymentStatus
from tests.support.service import TestService
from tests.support.world import key

PRICE = Money(1000, "USD")


async def initiate(service: TestService, user: str = "u1", **fields: Any) -> Payment:
    asked = {
        "pack_id": "credits_100",
        "credits": None,
        "gateway": None,
        "currency": None,
        "success_url": None,
        "cancel_url": None,
    } | fields
    outcome = await service.checkouts.initiate(user, **asked)
    assert outcome.payment is not None
    return outcome.payment


async def stored(service: TestService, payment: Payment) -> Payment:
    found = await service.payments.get(payment.id)
    assert found is not None
    return found


async def crashed_before_the_checkout(service: TestService) -> Payment:
    """A payment whose process died between the commit and the gateway's answer."""
    at = service.clock.now()
    intent = Payment(
        id="pay_f76crash",
        user_id="u1",
        gateway="sandbox",
        status=PaymentStatus.CREATED,
        price=PRICE,
        credits=100,
        created_at=at,
        updated_at=at,
        next_check_at=at,
    )
    await service.writer.submit(
        OpenPayment(id="open", user_id="u1", at=at, request=key("p1"), payment=intent)
    )
    return intent
