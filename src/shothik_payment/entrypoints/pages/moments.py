"""Times as visitors write them in forms: in their own zone, as browsers send them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated, overload
from zoneinfo import ZoneInfo

from msgspec import Meta

from shothik_payment.domain.errors import InvalidRequest
from shothik_payment.domain.model.time import END_OF_TIME, Millis
from shothik_payment.entrypoints.http.times import millis

_MOMENT = "a date and time, as 2030-01-31T12:00"
_DAY = "a date, as 2030-01-31"

LocalMoment = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,3})?)?$(?!\n)",
        extra={"expected": _MOMENT},
    ),
]
LocalDay = Annotated[
    str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$(?!\n)", extra={"expected": _DAY})
]


@overload
def moment(field: str, text: str, zone: ZoneInfo) -> Millis: ...


@overload
def moment(field: str, text: str | None, zone: ZoneInfo) -> Millis | None: ...


def moment(field: str, text: str | None, zone: ZoneInfo) -> Millis | None:
    """None for None. Raises InvalidRequest for what is in no calendar, or far away."""
    if text is None:
        return None
    try:
        at = millis(datetime.fromisoformat(text).replace(tzinfo=zone))
    except (ValueError, OverflowError):
        raise InvalidRequest.of(field, _MOMENT) from None
    if not 0 <= at <= END_OF_TIME:
        raise InvalidRequest.of(field, "a time after 1969 and before 2200")
    return at


def day(field: str, text: str, zone: ZoneInfo) -> tuple[Millis, Millis]:
    """When the day begins in `zone`, and the next. Raises InvalidRequest."""
    try:
        first = date.fromisoformat(text)
        begins = datetime.combine(first, time(), zone)
        return millis(begins), millis(datetime.combine(first + timedelta(days=1), time(), zone))
    except (ValueError, OverflowError):
        raise InvalidRequest.of(field, _DAY) from None
