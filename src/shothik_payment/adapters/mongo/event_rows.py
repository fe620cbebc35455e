"""Events as documents of the outbox and back."""

from __future__ import annotations

from shothik_payment.adapters import codec
from shothik_payment.adapters.mongo.rows import SCHEMA_VERSION, Doc
from shothik_payment.domain.events import CreditDeducted, Event
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.event_log import PARTITIONS, RecordedEvent

WAITING = "waiting"
UNWANTED = "unwanted"

COMMON_TYPE = CreditDeducted.type
TYPES_BELOW = "types_below"
"""The index of the types that come before the common one; TYPES_ABOVE of those after it."""
TYPES_ABOVE = "types_above"
OWN_BELOW, OWN_ABOVE = "own_types_below", "own_types_above"
"""The same of one user."""

_OF_DIGIT = {f"{n:x}": n for n in range(PARTITIONS)}


def _partition(bucket: str) -> int:
    """What `partition_of` says of its users."""
    return _OF_DIGIT[bucket[0]]


def event_document(event: Event, bucket: str, order: int) -> Doc:
    data = event.data
    return {
        "_id": event.id,
        "schema_version": SCHEMA_VERSION,
        "bucket": bucket,
        "user_id": event.user_id,
        "sequence": event.sequence,
        "partition": _partition(bucket),
        "at": event.at,
        "order": order,
        "type": data.type,
        "routing_key": data.routing_key(),
        "event_class": data.event_class.value,
        "data": codec.wire_data(event).decode(),
        "state": WAITING,
    }


def to_event(document: Doc) -> RecordedEvent:
    return RecordedEvent(
        position_of(document["order"], document["_id"]),
        document["_id"],
        document["user_id"],
        int(document["sequence"]),
        document["type"],
        document["routing_key"],
        document["event_class"],
        Millis(int(document["at"])),
        document["data"].encode(),
    )


def position_of(order: int, event_id: str) -> str:
    return f"{order}-{event_id}"
