"""What an upgrade costs shortly before the period's end, in currencies other than dollars."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shothik_payment.domain.model.money import CURRENCIES, Money, least_charge_minor
from shothik_payment.domain.ports.gateway import Capabilities
from tests.support.service import CATALOG, running_service
from tests.support.subscriber import Subscriber

STRIPE = {"USD": "0.50", "EUR": "0.50", "GBP": "0.30", "INR": "0.50", "JPY": "50"}
"""Where it names a minimum."""


def test_no_gateway_is_asked_for_less_than_it_takes() -> None:
    assert min(map(least_charge_minor, CURRENCIES)) > 0
    for currency, least in STRIPE.items():
        assert least_charge_minor(currency) >= Money.parse(least, currency).amount_minor


@pytest.mark.parametrize(
    ("currency", "lite", "of_one_day", "of_two_days"),
    [
        ("BDT", 120_000, "", "16000"),  # 80 taka, 160 taka
        ("INR", 83_000, "", "11066"),  # 55 rupees, 110 rupees
        ("VND", 250_000, "", "33333"),  # 16,666 dong, 33,333 dong
        ("JPY", 1_500, "100", "200"),
    ],
)
async def test_less_than_a_gateway_takes_is_not_charged(
    currency: str, lite: int, of_one_day: str, of_two_days: str
) -> None:
    plans = CATALOG.billing.plans
    prices = {"lite": lite, "pro": 3 * lite}
    sold = {
        name: replace(plans[name], prices={currency: Money(price, currency)})
        for name, price in prices.items()
    }
    billing = replace(CATALOG.billing, plans={**plans, **sold})
    async with running_service(catalog=replace(CATALOG, billing=billing)) as service:
        for name, day, due in (
            ("u1", "2026-04-30", of_one_day),
            ("u2", "2026-04-29", of_two_days),
        ):
            user = await Subscriber.begin(service, "2026-04-01", name)
            user.gateway.capabilities = Capabilities((currency,), recurring=True)
            await user.bought("lite")
            await user.until(day)
            await user.change("pro")
            seen = await user.seen()
            assert seen.state == "active pro 2026-04-01..2026-05-01"
            assert seen.charged == due
