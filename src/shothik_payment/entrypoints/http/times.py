"""Times on the wire: RFC 3339 in UTC with milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shothik_payment.domain.model.time import Millis

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def rfc3339(at: Millis) -> str:
    text = (_EPOCH + at * _MILLISECOND).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def optional_rfc3339(at: Millis | None) -> str | None:
    return None if at is None else rfc3339(at)


def millis(moment: datetime | None) -> Millis | None:
    """Whole milliseconds; what is below one is dropped."""
    return None if moment is None else Millis((moment - _EPOCH) // _MILLISECOND)
