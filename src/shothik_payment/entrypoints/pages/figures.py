"""How numbers, money, names and spans of time look on a page."""

from __future__ import annotations

from typing import Any

from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.time import DAY, HOUR, MINUTE, SECOND

NOTHING = "–"


def number(value: int | None) -> str:
    """With a comma between thousands."""
    return NOTHING if value is None else f"{value:,}"


def signed(value: int) -> str:
    """A change: with its sign, a real minus."""
    return f"+{value:,}" if value > 0 else f"{value:,}".replace("-", "−")


def money(amount: Money | None) -> str:
    if amount is None:
        return NOTHING
    whole, point, rest = amount.decimal().partition(".")
    return f"{int(whole):,}{point}{rest} {amount.currency}"


def words(name: Any) -> str:
    """A name of the code, such as `past_due` or `paraphrase_service`, as words."""
    return str(name).replace("_", " ")


_UNITS = ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (SECOND, "second"))


def span(milliseconds: int) -> str:
    """How long, roughly: whole units of the largest that it has one of."""
    for length, unit in _UNITS:
        if milliseconds >= length:
            count = milliseconds // length
            return f"{count:,} {unit}" if count == 1 else f"{count:,} {unit}s"
    return "less than a second"
