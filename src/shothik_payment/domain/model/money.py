"""Money is an integer of minor units with its currency; never a float, never mixed with credits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

_DECIMALS = {"USD": 2, "BDT": 2, "EUR": 2, "GBP": 2, "INR": 2, "JPY": 0, "KRW": 0, "VND": 0}
_LEAST = {
    "USD": 100,
    "EUR": 100,
    "GBP": 100,
    "BDT": 100_00,
    "INR": 100_00,
    "JPY": 100,
    "KRW": 1_000,
    "VND": 20_000,
}
_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6})?")


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """`amount_minor` in the currency's smallest unit (cents, poisha, yen); `currency`: ISO 4217."""

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        if self.amount_minor < 0:
            raise ValueError("money is never negative")
        if self.currency not in _DECIMALS:
            raise ValueError(f"unknown currency {self.currency}")

    def __str__(self) -> str:
        return f"{self.decimal()} {self.currency}"

    def decimal(self) -> str:
        """As a decimal number in the currency's main unit: "10.50", "1200" for yen."""
        digits = _DECIMALS[self.currency]
        whole, rest = divmod(self.amount_minor, 10**digits)
        return f"{whole}.{rest:0{digits}d}" if digits else str(whole)

    @classmethod
    def parse(cls, number: str, currency: str) -> Money:
        """Read a decimal number in the currency's main unit, such as "10" or "1.00". Raises
        ValueError for anything else, and for more decimals than the currency has."""
        if not _NUMBER.fullmatch(number):
            raise ValueError("no decimal amount")
        if currency not in _DECIMALS:
            raise ValueError(f"unknown currency {currency}")
        minor = Decimal(number).scaleb(_DECIMALS[currency])
        if minor != minor.to_integral_value():
            raise ValueError(f"more decimals than {currency} has")
        return cls(int(minor), currency)


CURRENCIES = tuple(_DECIMALS)


def least_charge_minor(currency: str) -> int:
    """What every gateway takes. Stripe's minimum (docs.stripe.com/currencies) is 0.50 USD or EUR,
    0.30 GBP, 50 JPY; of another currency, or where the account is paid out in another one, as much
    as that is worth on the day. So these are round numbers with room for the rates to move."""
    return _LEAST[currency]
