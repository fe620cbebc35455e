"""Events as they travel: CloudEvents 1.0 in structured JSON."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from pamqp.commands import Basic

from shothik_payment.domain.model.time import rfc3339
from shothik_payment.domain.ports.event_log import RecordedEvent

CONTENT_TYPE = "application/cloudevents+json"
SOURCE = "/shothik-payment"
CLASS_HEADER = "x-class"
SEQUENCE_DIGITS = 20
_PERSISTENT = 2


class CloudEvent(msgspec.Struct):
    """`sequence` has 20 digits, so that it sorts as text; `time` is RFC 3339."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    datacontenttype: str
    sequence: str
    data: msgspec.Raw


_encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(CloudEvent).decode


def body_of(event: RecordedEvent) -> bytes:
    return _encode(
        CloudEvent(
            "1.0",
            event.id,
            SOURCE,
            event.type,
            event.user_id,
            rfc3339(event.at),
            "application/json",
            f"{event.sequence:0{SEQUENCE_DIGITS}d}",
            msgspec.Raw(event.data),
        )
    )


def properties_of(event: RecordedEvent) -> Basic.Properties:
    """No priority: a broker that reorders would break the order of a user."""
    return Basic.Properties(
        content_type=CONTENT_TYPE,
        headers={CLASS_HEADER: event.event_class},
        delivery_mode=_PERSISTENT,
        message_id=event.id,
        timestamp=datetime.fromtimestamp(event.at // 1000, UTC),
        message_type=event.type,
    )
