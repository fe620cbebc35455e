"""Money in Stripe's form and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shothik_payment.adapters.stripe.amounts import from_stripe, to_stripe
from shothik_payment.domain.model.money import CURRENCIES, Money


@given(st.integers(0, 10**14), st.sampled_from(CURRENCIES))
def test_there_and_back(amount_minor: int, currency: str) -> None:
    money = Money(amount_minor, currency)
    amount, code = to_stripe(money)
    assert code == currency.lower()
    assert from_stripe(amount, code) == money


@pytest.mark.parametrize(
    ("number", "currency", "amount"),
    [
        ("10.50", "USD", 1050),
        ("1200", "JPY", 1200),
        ("5000", "KRW", 5000),
        ("250000", "VND", 250_000),
        ("1200.75", "BDT", 120_075),
        ("0.01", "EUR", 1),
    ],
)
def test_known_amounts(number: str, currency: str, amount: int) -> None:
    money = Money.parse(number, currency)
    assert to_stripe(money) == (amount, currency.lower())
    assert from_stripe(amount, currency.lower()) == money


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        (10.5, "usd"),
        ("10", "usd"),
        (True, "usd"),
        (None, "usd"),
        (-1, "usd"),
        (1, "xyz"),
        (1, None),
    ],
)
def test_what_is_no_amount(amount: object, currency: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_stripe(amount, currency)
