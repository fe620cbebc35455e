"""Points in time, and how they are written."""

from __future__ import annotations

from datetime import datetime

import pytest

from shothik_payment.domain.model.time import DAY, HOUR, MINUTE, SECOND, rfc3339


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_795_341_600_000, "2026-11-22T10:00:00.000Z"),
        (1_795_341_600_007, "2026-11-22T10:00:00.007Z"),  # of the same second as the last
        (1_795_341_600_999, "2026-11-22T10:00:00.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_a_time_is_written_in_utc_with_milliseconds(at: int, text: str) -> None:
    assert rfc3339(at) == text
    assert rfc3339(at) == text  # from what is remembered, too


def test_more_seconds_than_are_remembered() -> None:
    steps = [SECOND - 1, MINUTE + 1, HOUR, 29 * DAY]
    times = [1_700_000_000_000 + number * step for step in steps for number in range(40)]
    texts = [rfc3339(at) for at in times]
    read = [round(datetime.fromisoformat(text).timestamp() * SECOND) for text in texts]
    assert read == times
