"""Money is an integer of minor units with its currency; never a float, never mixed with credits."""

from __future__ import annotations

from dataclasses import dataclass

_DECIMALS = {"USD": 2, "BDT": 2}


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """`amount_minor` in the currency's smallest unit (cents, poisha); `currency` is ISO 4217."""

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        if self.amount_minor < 0:
            raise ValueError("money is never negative")
        if self.currency not in _DECIMALS:
            raise ValueError(f"unknown currency {self.currency}")

    def __str__(self) -> str:
        digits = _DECIMALS[self.currency]
        whole, rest = divmod(self.amount_minor, 10**digits)
        return f"{whole}.{rest:0{digits}d} {self.currency}"


CURRENCIES = tuple(_DECIMALS)
