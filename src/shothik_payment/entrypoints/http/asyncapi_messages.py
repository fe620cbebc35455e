"""The events' shapes on the wire, derived from the types that are published."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, get_args, get_type_hints

import msgspec
from msgspec import UNSET, Meta, UnsetType

from shothik_payment.domain.events import EVENT_TYPES, Event, EventData
from shothik_payment.domain.model.time import Millis
from shothik_payment.entrypoints.http.times import rfc3339

_Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
_UserId = Annotated[str, Meta(description="The user's id.")]
_Id = Annotated[str, Meta(description="Of the event: the same when it is told again.")]
_Sequence = Annotated[
    str,
    Meta(
        pattern=r"^\d{20}$", description="The user's own counter, without a gap: sorts as a text."
    ),
]
_RequestId = Annotated[str, Meta(description="Of the request that caused it.")]


def envelope_of(kind: type[EventData]) -> type[msgspec.Struct]:
    """A CloudEvents 1.0 event of this type."""
    return msgspec.defstruct(
        kind.__name__,
        [
            ("specversion", Literal["1.0"]),
            ("id", _Id),
            ("source", Literal["/shothik-payment"]),
            ("type", Literal[kind.type]),
            ("subject", _UserId),
            ("time", _Time),
            ("datacontenttype", Literal["application/json"]),
            ("sequence", _Sequence),
            ("data", _data_of(kind)),
        ],
    )


def _data_of(kind: type[EventData]) -> type[msgspec.Struct]:
    hints = get_type_hints(kind)
    return msgspec.defstruct(
        f"{kind.__name__}Data",
        [
            ("user_id", _UserId),
            ("occurred_at", _Time),
            *(_field(field, hints[field.name]) for field in fields(kind)),
            ("request_id", _RequestId | UnsetType, UNSET),
        ],
        rename="camel",
        kw_only=True,
    )


def _field(field: Field[Any], hint: Any) -> tuple[str, Any] | tuple[str, Any, Any]:
    """What has a default is left out where it is None; else None travels as null."""
    kinds = [_Time if kind is Millis else kind for kind in get_args(hint) or (hint,)]
    if get_args(hint) and type(None) not in get_args(hint):
        kinds = [hint]
    if field.default is MISSING and field.default_factory is MISSING:
        return field.name, reduce(or_, kinds)
    told = [kind for kind in kinds if kind is not type(None)]
    return field.name, reduce(or_, [*told, UnsetType]), UNSET


ENVELOPES: dict[str, type[msgspec.Struct]] = {kind.type: envelope_of(kind) for kind in EVENT_TYPES}


def on_the_wire(event: Event) -> dict[str, Any]:
    """The event as a consumer reads it. What does not fit the type is refused."""
    data = event.data
    hints = get_type_hints(type(data))
    told: dict[str, Any] = {"userId": event.user_id, "occurredAt": rfc3339(event.at)}
    for field in fields(data):
        value = getattr(data, field.name)
        if value is not None or field.default is MISSING:
            is_time = Millis in (hints[field.name], *get_args(hints[field.name]))
            told[_camel(field.name)] = rfc3339(value) if is_time else value
    if event.request_id is not None:
        told["requestId"] = event.request_id
    envelope = {
        "specversion": "1.0",
        "id": event.id,
        "source": "/shothik-payment",
        "type": data.type,
        "subject": event.user_id,
        "time": rfc3339(event.at),
        "datacontenttype": "application/json",
        "sequence": f"{event.sequence:020d}",
        "data": msgspec.to_builtins(told),
    }
    msgspec.convert(envelope, ENVELOPES[data.type])
    return envelope


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)
