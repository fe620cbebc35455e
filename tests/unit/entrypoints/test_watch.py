"""What is said and counted of a request, whatever became of it."""

from __future__ import annotations

from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from shothik_payment.entrypoints.http.call import Call
from shothik_payment.entrypoints.http.watch import Watch
from shothik_payment.entrypoints.logs import OF_REQUEST


class Counted:
    def __init__(self) -> None:
        self.answers: list[tuple[str, str, int]] = []
        self.codes: list[str] = []

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        assert 0 <= seconds < 60
        self.answers.append((route, method, status))

    def refused(self, code: str) -> None:
        self.codes.append(code)


def call(number: int = 1, error: str | None = None, **scope: Any) -> Call:
    return Call(cast(Any, None), cast(Any, scope), {}, f"request-{number}", error=error)


async def answered(watch: Watch, call: Call, status: int, refusal: str | None = None) -> list[Any]:
    async def answer() -> None:
        assert OF_REQUEST.get() is call
        call.status, call.refusal = status, refusal

    with capture_logs() as lines:
        await watch.over(call, "GET", answer())
    assert OF_REQUEST.get() is None
    return list(lines)


async def test_an_ordinary_request_is_counted_and_leaves_no_line() -> None:
    counted = Counted()
    assert await answered(Watch(counted), call(path_template="/x/{id}"), 200) == []
    assert counted.answers == [("/x/{id}", "GET", 200)]
    assert counted.codes == []


async def test_a_refusal_is_counted_by_its_code() -> None:
    counted = Counted()
    await answered(Watch(counted), call(), 404, "not_found")
    assert counted.answers == [("unmatched", "GET", 404)]
    assert counted.codes == ["not_found"]


async def test_a_slow_request_is_worth_a_warning() -> None:
    (line,) = await answered(Watch(slow_seconds=-1.0), call(path_template="/x"), 200)
    assert (line["event"], line["log_level"]) == ("slow request", "warning")
    assert (line["route"], line["status"]) == ("/x", 200)


async def test_many_503s_are_one_line_a_second() -> None:
    watch = Watch()
    lines = [line for n in range(50) for line in await answered(watch, call(n), 503)]
    assert 1 <= len(lines) < 5  # the machine may be slow, and the second over
    assert (lines[0]["log_level"], lines[0]["requests"]) == ("error", 1)


async def test_the_line_says_why_also_of_those_before_it() -> None:
    """Where most were refused for another reason too; and what has no end of reasons is cut."""
    now = 0.0
    watch = Watch(clock=lambda: now)
    busy, away = "The service is busy.", "MongoDB at db1:27017 refuses the user of DATABASE_URL."
    (first,) = await answered(watch, call(error=busy), 503)
    assert (first["requests"], first["errors"]) == (1, [busy])
    now = 0.9
    for error in (busy, busy, away, busy, None):
        assert await answered(watch, call(error=error), 503) == []
    now = 1.1
    (line,) = await answered(watch, call(error=busy), 503)
    assert (line["requests"], line["errors"]) == (6, [busy, away])
    for n in range(1000):
        assert await answered(watch, call(error=f"{n}"), 503) == []
    now = 2.2
    (line,) = await answered(watch, call(), 503)
    assert line["requests"] == 1001
    assert line["errors"] == [f"{n}" for n in range(4)]
    now = 3.3
    (line,) = await answered(watch, call(), 503)
    assert (line["requests"], line["errors"]) == (1, [])


async def test_the_line_does_not_say_what_was_behind_an_outage_that_is_over() -> None:
    now = 0.0
    watch = Watch(clock=lambda: now)
    busy, away, full = "The service is busy.", "MongoDB at db1:27017 is away.", "The queue is full."
    await answered(watch, call(error=busy), 503)
    now = 0.5
    assert await answered(watch, call(error=away), 503) == []
    now = 6.0  # few ask, and it is the same outage still
    (line,) = await answered(watch, call(error=busy), 503)
    assert (line["requests"], line["errors"]) == (2, [away, busy])
    now = 6.5
    assert await answered(watch, call(error=away), 503) == []
    now = 86_400.0
    (line,) = await answered(watch, call(error=full), 503)
    assert (line["requests"], line["errors"]) == (1, [full])


async def test_who_goes_away_is_counted_too() -> None:
    counted = Counted()

    async def gone() -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await Watch(counted).over(call(), "POST", gone())
    assert counted.answers == [("unmatched", "POST", 499)]
    assert OF_REQUEST.get() is None
