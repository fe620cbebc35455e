"""The fields of requests: what each may hold, checked by msgspec and shown in the OpenAPI.

`extra["expected"]` is how a refusal words it; every type used in a request has one. A pattern's
`$(?!\\n)` is the end of the text also for Python, whose `$` matches before a last line feed too.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from shothik_payment.domain.catalog import MAX_CREDITS
from shothik_payment.domain.errors import InvalidRequest
from shothik_payment.domain.events import EVENT_TYPES
from shothik_payment.domain.model import key_usage
from shothik_payment.domain.model.api_key import (
    MAX_GRACE_SECONDS,
    MAX_NETWORKS,
    ApiKeyStatus,
    Scope,
)
from shothik_payment.domain.model.hold import MAX_HOLD_TTL_SECONDS
from shothik_payment.domain.model.identifiers import USER_ID_SHAPE, is_user_id
from shothik_payment.domain.use_cases.key_bulk import MAX_KEYS, BulkAction

_END = r"$(?!\n)"
# What existing clients send as `feature` or ids has to go on, also where it hides or turns text
# (U+202E): `is_key_name`, which refuses that, is for names that are made here.
_VISIBLE = r"^(?=.*[^\s\u200b-\u200f\u2060\ufeff])[^\u0000-\u001f\u007f-\u009f\u2028\u2029]"

USER_ID_PATTERN = rf"^(?!\.\.?{_END})[A-Za-z0-9._:@|+=~-]{{1,128}}{_END}"
NAME_PATTERN = rf"{_VISIBLE}{{1,128}}{_END}"
NAME_EXPECTED = "1 to 128 visible characters"

MAX_METADATA_ENTRIES = 20
MAX_METADATA_BYTES = 4096

UserId = Annotated[
    str,
    Meta(
        pattern=USER_ID_PATTERN,
        examples=["user_123"],
        description="The user whose wallet this is about.",
        extra={"expected": USER_ID_SHAPE},
    ),
]
Name = Annotated[str, Meta(pattern=NAME_PATTERN, extra={"expected": NAME_EXPECTED})]
RequestId = Annotated[
    str,
    Meta(
        pattern=NAME_PATTERN,
        description="Makes a repeat harmless; the same as the header Idempotency-Key.",
        extra={"expected": NAME_EXPECTED},
    ),
]
Reason = Annotated[
    str,
    Meta(pattern=rf"{_VISIBLE}{{1,500}}{_END}", extra={"expected": "1 to 500 visible characters"}),
]
Amount = Annotated[
    int,
    Meta(
        ge=1,
        le=MAX_CREDITS,
        description="Whole credits.",
        extra={"expected": f"a whole number from 1 to {MAX_CREDITS}"},
    ),
]
MinorUnits = Annotated[Amount, Meta(description="Minor units of the payment's currency.")]
RateLimit = Annotated[Amount, Meta(description="Requests an hour; null: the service's own.")]
Units = Annotated[
    int,
    Meta(
        ge=1,
        le=MAX_CREDITS,
        description="Units of the service, charged by its rate card.",
        extra={"expected": f"a whole number from 1 to {MAX_CREDITS}"},
    ),
]
SignedAmount = Annotated[
    int,
    Meta(
        ge=-MAX_CREDITS,
        le=MAX_CREDITS,
        description="Whole credits: positive gives, negative takes; not 0.",
        extra_json_schema={"not": {"const": 0}},
        extra={"expected": f"a whole number from {-MAX_CREDITS} to {MAX_CREDITS}, not 0"},
    ),
]
Seconds = Annotated[
    int,
    Meta(
        ge=1,
        le=MAX_HOLD_TTL_SECONDS,
        description="Seconds until the hold ends by itself.",
        extra={"expected": f"a whole number from 1 to {MAX_HOLD_TTL_SECONDS}"},
    ),
]
MetadataKey = Annotated[str, Meta(pattern=NAME_PATTERN)]
MetadataValue = Annotated[
    Annotated[str, Meta(pattern=r"^[^\u0000]*$")]
    | Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    | float
    | bool
    | None,
    Meta(extra={"expected": "a string without NUL, a number, true, false or null"}),
]
Metadata = Annotated[
    dict[MetadataKey, MetadataValue],
    Meta(
        max_length=MAX_METADATA_ENTRIES,
        description=f"Kept with the ledger row; at most {MAX_METADATA_BYTES} bytes as JSON.",
        extra={
            "expected": f"a flat object of at most {MAX_METADATA_ENTRIES} entries with names of "
            f"1 to 128 visible characters, at most {MAX_METADATA_BYTES} bytes as JSON",
            "max_json_bytes": MAX_METADATA_BYTES,
        },
    ),
]
Url = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=2048,
        description="Where the browser goes; its origin has to be an allowed one. `{paymentId}` in "
        "it stands for the id of the payment.",
        extra={"expected": "an http(s) URL of at most 2048 characters"},
    ),
]
Currency = Annotated[
    str,
    Meta(
        pattern=rf"^[A-Z]{{3}}{_END}",
        description="ISO 4217.",
        extra={"expected": "three capital letters, as USD or BDT"},
    ),
]
Flag = Annotated[bool, Meta(extra={"expected": "true or false"})]
QueryFlag = Annotated[Literal["true", "false"], Meta(extra={"expected": "true or false"})]
Days = Annotated[int, Meta(ge=1, le=366, extra={"expected": "a whole number from 1 to 366"})]
Moment = Annotated[
    datetime,
    Meta(
        tz=True,
        extra={
            "expected": "an RFC 3339 time with its zone, as 2030-01-31T12:00:00Z, of 1970 to 2199",
            "years": (1970, 2199),
        },
    ),
]
KeyScope = Annotated[
    Scope, Meta(extra={"expected": "one of " + ", ".join(scope.value for scope in Scope)})
]
KeyScopes = Annotated[
    list[KeyScope],
    Meta(
        max_length=len(Scope),
        description="What the key may do; all scopes where absent.",
        extra={"expected": "a list of scopes"},
    ),
]
Granularity = Annotated[key_usage.Granularity, Meta(extra={"expected": "day or hour"})]
Networks = Annotated[
    list[Annotated[Name, Meta(extra={"expected": "an IP address or network"})]],
    Meta(
        max_length=MAX_NETWORKS,
        description="Addresses that the key may be used from; any where absent.",
        extra={"expected": f"a list of at most {MAX_NETWORKS} IP addresses or networks"},
    ),
]
KeyStatus = Annotated[
    ApiKeyStatus,
    Meta(extra={"expected": "one of " + ", ".join(status.value for status in ApiKeyStatus)}),
]
GraceSeconds = Annotated[
    int,
    Meta(
        ge=0,
        le=MAX_GRACE_SECONDS,
        description="How long the old key goes on; a day where absent.",
        extra={"expected": f"a whole number from 0 to {MAX_GRACE_SECONDS}"},
    ),
]
KeyAction = Annotated[
    BulkAction,
    Meta(extra={"expected": "one of " + ", ".join(action.value for action in BulkAction)}),
]
KeyIds = Annotated[
    list[Name],
    Meta(
        min_length=1,
        max_length=MAX_KEYS,
        extra_json_schema={"uniqueItems": True},
        extra={"expected": f"a list of 1 to {MAX_KEYS} ids, each once"},
    ),
]
_EVENT_TYPES = [data.type for data in EVENT_TYPES]
EventType = Annotated[
    str,
    Meta(
        pattern=rf"^({'|'.join(map(re.escape, _EVENT_TYPES))}){_END}",
        extra_json_schema={"enum": _EVENT_TYPES},
        extra={"expected": "one of " + ", ".join(_EVENT_TYPES)},
    ),
]
EventTypes = Annotated[
    list[EventType],
    Meta(
        description="Events of these types only; may be given several times.",
        extra={"expected": "event types"},
    ),
]
SomeEventTypes = Annotated[
    list[EventType],
    Meta(
        min_length=1,
        max_length=len(_EVENT_TYPES),
        description="Events of these types only; all where absent.",
        extra={"expected": "a list of event types, not empty"},
    ),
]
Limit = Annotated[int, Meta(ge=1, le=200, extra={"expected": "a whole number from 1 to 200"})]
BlocklistLimit = Annotated[
    int, Meta(ge=1, le=5000, extra={"expected": "a whole number from 1 to 5000"})
]
Cursor = Annotated[
    str,
    Meta(
        pattern=rf"^[A-Za-z0-9_-]{{1,512}}{_END}",
        description="`next` of the page before, as it came.",
        extra={"expected": "a cursor as it was given out"},
    ),
]
_NAME = re.compile(NAME_PATTERN)


def require_user_id(path: str, text: str) -> str:
    if not is_user_id(text):
        raise InvalidRequest.of(path, USER_ID_SHAPE)
    return text


def require_name(path: str, text: str) -> str:
    if _NAME.search(text) is None:
        raise InvalidRequest.of(path, NAME_EXPECTED)
    return text
