"""Times on the wire: RFC 3339 in UTC with milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import overload

from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.time import rfc3339 as rfc3339

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def optional_rfc3339(at: Millis | None) -> str | None:
    return None if at is None else rfc3339(at)


@overload
def millis(moment: datetime) -> Millis: ...


@overload
def millis(moment: datetime | None) -> Millis | None: ...


def millis(moment: datetime | None) -> Millis | None:
    """Whole milliseconds; what is below one is dropped."""
    return None if moment is None else Millis((moment - _EPOCH) // _MILLISECOND)
