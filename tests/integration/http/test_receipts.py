"""What a payment's page tells its user of the money."""

from __future__ import annotations

import pytest

from shothik_payment.domain.ledger.payment_commands import RecordDispute, SettlePayment
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import DisputeState
from shothik_payment.domain.model.web_session import Realm
from shothik_payment.domain.ports.gateway import GatewayDispute
from tests.integration.http.browsers import Browser
from tests.integration.http.site import OWNER
from tests.integration.http.support import World

OPEN, LOST = DisputeState.OPEN, DisputeState.LOST


async def _paid(world: World, paid: Money) -> str:
    """A payment for 100 credits at 10.00 USD, of which the gateway says another sum was paid, and
    which an admin has accepted."""
    async with world.by_user(OWNER) as user:
        opened = (await user.post("/payments/initiate", json={"packId": "credits_100"})).json()
    payment_id: str = opened["paymentId"]
    if paid == Money(1000, "USD"):
        await world.pays(opened["paymentUrl"])
        return payment_id
    now = world.clock.now()
    await world.application.writer.submit(
        SettlePayment(
            id="settled", user_id=OWNER, at=now, payment_id=payment_id, paid=paid, reference="r"
        )
    )
    await world.application.payment_admin.accept(payment_id, "it is enough")
    return payment_id


async def _dispute(world: World, payment_id: str, minor: int, state: DisputeState) -> None:
    dispute = GatewayDispute("dp_1", Money(minor, "USD"), state)
    await world.application.writer.submit(
        RecordDispute(
            id=f"told_{state}",
            user_id=OWNER,
            at=world.clock.now(),
            payment_id=payment_id,
            dispute=dispute,
        )
    )


async def test_a_receipt_is_about_what_was_paid(world: World) -> None:
    payment_id = await _paid(world, Money(999, "USD"))
    browser = await Browser.signed_in(world, Realm.ACCOUNT)
    page = await browser.look(f"/payments/{payment_id}")
    assert "Paid for 100 credits." in page.text
    assert "Amount asked for 10.00 USD Paid 9.99 USD" in page.text
    await _dispute(world, payment_id, 249, LOST)
    page = await browser.look(f"/payments/{payment_id}")
    assert "Taken back by the bank −2.49 USD Remains 7.50 USD" in page.text


@pytest.mark.parametrize(
    ("state", "minor", "told", "line"),
    [
        (OPEN, 1000, "asked to take the money back", "In dispute 10.00 USD"),
        (OPEN, 400, "asked to take a part of the money back", "In dispute 4.00 USD"),
        (
            LOST,
            1000,
            "has taken the money back",
            "Taken back by the bank −10.00 USD Remains 0.00 USD",
        ),
        (
            LOST,
            400,
            "has taken a part of the money back",
            "Taken back by the bank −4.00 USD Remains 6.00 USD",
        ),
    ],
)
async def test_a_receipt_tells_of_a_dispute(
    world: World, state: DisputeState, minor: int, told: str, line: str
) -> None:
    payment_id = await _paid(world, Money(1000, "USD"))
    await _dispute(world, payment_id, minor, state)
    page = await (await Browser.signed_in(world, Realm.ACCOUNT)).look(f"/payments/{payment_id}")
    assert told in page.text
    assert f"Paid 10.00 USD {line}" in page.text
    assert "Amount" not in page.text


async def test_a_receipt_is_of_the_day_on_which_it_was_paid(world: World) -> None:
    async with world.by_user(OWNER) as user:
        opened = (await user.post("/payments/initiate", json={"packId": "credits_100"})).json()
    path = f"/payments/{opened['paymentId']}"
    browser = await Browser.signed_in(world, Realm.ACCOUNT)
    assert "Date 2030-03-17 17:46:40" in (await browser.look(path)).text
    world.clock.forward(7200)
    await world.pays(opened["paymentUrl"])
    assert "Date 2030-03-17 19:46:40" in (await browser.look(path)).text
