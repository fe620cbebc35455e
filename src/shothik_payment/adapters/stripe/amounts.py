"""Money as Stripe writes it: a whole number of what it takes for the currency's smallest unit."""

from __future__ import annotations

from decimal import Decimal

from shothik_payment.domain.model.money import Money

_WITHOUT_DECIMALS = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())
_WITH_THREE = frozenset("BHD JOD KWD OMR TND".split())


def to_stripe(money: Money) -> tuple[int, str]:
    """`(1000, "usd")` for ten dollars, `(1200, "jpy")` for 1,200 yen."""
    amount = Decimal(money.decimal()).scaleb(_decimals(money.currency))
    return int(amount), money.currency.lower()


def from_stripe(amount: object, currency: object) -> Money:
    """Raises ValueError for what is no amount of a currency that we know."""
    if not isinstance(amount, int) or isinstance(amount, bool) or not isinstance(currency, str):
        raise ValueError("no amount of money")
    code = currency.upper()
    return Money.parse(f"{Decimal(amount).scaleb(-_decimals(code)):f}", code)


def _decimals(currency: str) -> int:
    if currency in _WITHOUT_DECIMALS:
        return 0
    return 3 if currency in _WITH_THREE else 2
