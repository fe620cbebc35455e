"""bKash's ways of writing amounts, times and references."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.time import Millis

CURRENCY = "BDT"
_TEXT_LIMIT = 255
_FORBIDDEN = re.compile(r"[<>&\x00-\x1f\x7f]")
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[:.](\d{1,3}))? ?(?:GMT)?([+-]\d\d:?\d\d)", re.ASCII
)


def plain(text: str, otherwise: str) -> str:
    """Without what bKash takes for an attack (< > &), and not longer than it takes."""
    return _FORBIDDEN.sub("", text)[:_TEXT_LIMIT] or otherwise


def amount(fields: Mapping[str, Any], name: str = "amount") -> Money:
    """Raises Unavailable: an amount that cannot be read must not pass for another."""
    currency = fields.get("currency") or CURRENCY
    try:
        return Money.parse(fields[name], currency)
    except (KeyError, TypeError, ValueError) as error:
        raise Unavailable("bKash told an amount that cannot be read.") from error


def moment(text: object) -> Millis | None:
    """`2023-09-11T23:31:24:581 GMT+0600`; None for what is no time."""
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    seconds, fraction, zone = match.groups()
    try:
        at = datetime.fromisoformat(seconds + zone)
    except ValueError:
        return None
    return Millis(int(at.timestamp()) * 1000 + int((fraction or "0").ljust(3, "0")))
