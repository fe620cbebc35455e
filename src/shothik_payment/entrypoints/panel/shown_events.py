"""Events as rows of a page: their gist, and their data when somebody asks for it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.event_log import RecordedEvent
from shothik_payment.entrypoints.pages.figures import money, signed, words

_SIGNS = {"credit.deducted": -1, "credit.added": 1, "credit.refunded": 1}
_WORDS = ("service", "feature", "plan", "status", "limit", "gateway", "reason")
_USUAL = "deduct"
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """`gist` in a line; `data` as indented JSON."""

    id: str
    at: Millis
    type: str
    user_id: str
    sequence: int
    gist: str
    data: str


def shown(events: Iterable[RecordedEvent]) -> list[ShownEvent]:
    return [_shown(event) for event in events]


def _shown(event: RecordedEvent) -> ShownEvent:
    data = json.loads(event.data)
    return ShownEvent(
        event.id,
        event.at,
        event.type,
        event.user_id,
        event.sequence,
        " · ".join(dict.fromkeys(_gist(event.type, data))),
        json.dumps(data, indent=2, ensure_ascii=False),
    )


def _paid_or_returned(data: Mapping[str, Any]) -> str:
    whole, returned = Money(data["amountMinor"], data["currency"]), data.get("refundedMinor")
    if not returned:
        return money(whole)
    return f"{money(Money(returned, whole.currency))} of {money(whole)} returned"


def _gist(event_type: str, data: Mapping[str, Any]) -> Iterable[str]:
    if event_type in _SIGNS:
        change = signed(_SIGNS[event_type] * data["amount"])
        yield f"{change}, {data['newBalance']:,} left"
    if data.get("kind", _USUAL) != _USUAL:
        yield data["kind"]
    if "amountMinor" in data:
        yield _paid_or_returned(data)
    if "allowed" in data:
        yield f"{data['used']:,} of {data['allowed']:,}"
    for name in _WORDS:
        text = data.get(name)
        if text:
            yield words(text)[:_SHOWN]
