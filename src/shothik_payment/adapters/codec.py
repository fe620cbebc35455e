"""How domain objects are written down: as JSON in a store, and as the `data` of an event.

What a store keeps has the domain's own field names; what goes on the wire is camel case, as the
contract prints it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from hashlib import blake2b
from operator import attrgetter
from typing import Any, get_args, get_type_hints

import msgspec

from shothik_payment.domain.events import EVENT_TYPES, Event, EventData
from shothik_payment.domain.model.api_key import ApiKey
from shothik_payment.domain.model.grant import Grant
from shothik_payment.domain.model.hold import Hold
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.model.subscription import SubscriptionStep
from shothik_payment.domain.model.time import Millis, rfc3339
from shothik_payment.domain.model.transaction import GrantPart, Metadata, Transaction
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.ports.event_log import RecordedEvent

# At rest

encode = msgspec.json.Encoder().encode
"""The JSON of a domain object, a list or a dict of them. It has no line break."""

_wallet_decoder = msgspec.json.Decoder(Wallet)
decode_wallet = _wallet_decoder.decode
decode_wallets = _wallet_decoder.decode_lines
"""Wallets from their JSON, one a line."""
decode_grant = msgspec.json.Decoder(Grant).decode
decode_hold = msgspec.json.Decoder(Hold).decode
decode_payment = msgspec.json.Decoder(Payment).decode
decode_step = msgspec.json.Decoder(SubscriptionStep).decode
decode_transaction = msgspec.json.Decoder(Transaction).decode
decode_api_key = msgspec.json.Decoder(ApiKey).decode
decode_parts = msgspec.json.Decoder(list[GrantPart]).decode
decode_metadata = msgspec.json.Decoder(Metadata).decode


def request_digest(user_id: str, key: str) -> bytes:
    """A request key in its scope, in 16 bytes; a store would be twice the size with the text."""
    return blake2b(f"{user_id}\0{key}".encode(), digest_size=16).digest()


# On the wire

_Render = Callable[[Event], bytes]


def _is_time(hint: Any) -> bool:
    return hint is Millis or Millis in get_args(hint)


def _wire_field(field: Field[Any]) -> tuple[str, Any] | tuple[str, Any, None]:
    """Required where the domain requires it: there None travels as null, else it is left out."""
    if field.default is MISSING and field.default_factory is MISSING:
        return field.name, Any
    return field.name, Any, None


def _renderer(data_type: type[EventData]) -> _Render:
    """Built once a class: reads the fields in one call and encodes them through a struct."""
    own = fields(data_type)
    hints = get_type_hints(data_type)
    times = tuple(i for i, field in enumerate(own) if _is_time(hints[field.name]))
    wire = msgspec.defstruct(
        data_type.__name__,
        [
            ("user_id", str),
            ("occurred_at", str),
            *(_wire_field(field) for field in own),
            ("request_id", Any, None),
        ],
        rename="camel",
        omit_defaults=True,
        gc=False,
    )
    values = attrgetter(*(field.name for field in own))

    def render(event: Event) -> bytes:
        return encode(wire(event.user_id, rfc3339(event.at), *values(event.data), event.request_id))

    def render_times(event: Event) -> bytes:
        given = list(values(event.data))
        for i in times:
            if given[i] is not None:
                given[i] = rfc3339(given[i])
        return encode(wire(event.user_id, rfc3339(event.at), *given, event.request_id))

    return render_times if times else render


_RENDERERS: dict[type[EventData], _Render] = {t: _renderer(t) for t in EVENT_TYPES}


def wire_data(event: Event) -> bytes:
    """The JSON of an event's `data`."""
    return _RENDERERS[type(event.data)](event)


def recorded(event: Event, position: str) -> RecordedEvent:
    data = event.data
    return RecordedEvent(
        position,
        event.id,
        event.user_id,
        event.sequence,
        data.type,
        data.routing_key(),
        data.event_class.value,
        event.at,
        wire_data(event),
    )
