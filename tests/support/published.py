"""Events as a store would hand them to a relay."""

from __future__ import annotations

from itertools import count
from typing import Any

from shothik_payment.domain.events import EventClass
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.event_log import START, RecordedEvent

AT = Millis(1_800_000_000_123)
_numbers = count(1)


def event(routing_key: str, sequence: int = 1, user: str = "u1") -> RecordedEvent:
    return RecordedEvent(
        START,
        f"evt_{next(_numbers):020d}",
        user,
        sequence,
        routing_key,
        routing_key,
        EventClass.NORMAL,
        AT,
        b'{"userId":"u1","occurredAt":"2027-01-15T08:00:00.123Z"}',
    )


def stop(sequence: int = 1, service: str = "paraphrase_service") -> RecordedEvent:
    found = event(f"service.{service}.stop_user", sequence)
    found.type, found.event_class = "service.stop_user", EventClass.CRITICAL
    return found


def raw_event(kind: str, **fields: Any) -> dict[str, Any]:
    """A CloudEvent as anyone might publish it, with any `fields`."""
    return {
        "specversion": "1.0",
        "id": f"evt_{next(_numbers):020d}",
        "source": "/elsewhere",
        "type": kind,
        "subject": "u1",
        "time": "2027-01-15T08:00:00.123Z",
        "datacontenttype": "application/json",
        "sequence": "1",
        "data": {},
        **fields,
    }
