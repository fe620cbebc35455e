"""What the monitor counts."""

from __future__ import annotations

from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.event_log import Backlog
from shothik_payment.domain.ports.event_stream import QueueState, ReceivedEvent
from shothik_payment.entrypoints.cli.tally import Snapshot, Tally, TypeCount

AT = Millis(1_900_000_000_000)


def event(kind: str, time: str) -> ReceivedEvent:
    return ReceivedEvent("q", f"evt_{time}", "u1", 1, kind, time, b"{}", False, 0)


def test_totals_go_on_and_rates_are_of_the_last_lap() -> None:
    tally = Tally()
    for time in ("a", "b", "c"):
        tally.add(event("credit.added", time))
    tally.add(event("credit.deducted", "d"))
    assert tally.lap(2.0) == {
        "credit.added": TypeCount(3, 1.5, "c"),
        "credit.deducted": TypeCount(1, 0.5, "d"),
    }
    tally.add(event("credit.deducted", "e"))
    assert tally.lap(0.5) == {
        "credit.added": TypeCount(3, 0, "c"),
        "credit.deducted": TypeCount(2, 2.0, "e"),
    }


def test_a_snapshot_as_json() -> None:
    queues = {"q": QueueState(3, 1)}
    outbox = Backlog(2, Millis(AT - 1500), 4)
    snapshot = Snapshot(AT, 2.0004, {"credit.added": TypeCount(3, 1.5, "c")}, queues, outbox)
    assert snapshot.as_json() == {
        "at": "2030-03-17T17:46:40.000Z",
        "seconds": 2.0,
        "events": {"credit.added": {"total": 3, "perSecond": 1.5, "last": "c"}},
        "queues": {"q": {"waiting": 3, "consumers": 1}},
        "outbox": {"waiting": 2, "oldestSeconds": 1.5, "unwanted": 4},
        "problems": [],
    }


def test_what_could_not_be_asked_is_null() -> None:
    snapshot = Snapshot(AT, 1.0, {}, None, None, ("away",)).as_json()
    assert (snapshot["queues"], snapshot["outbox"]) == (None, None)
    assert snapshot["problems"] == ["away"]


def test_a_clock_that_is_behind_shows_no_negative_age() -> None:
    behind = Snapshot(AT, 1.0, {}, {}, Backlog(1, Millis(AT + 9000), 0))
    assert behind.oldest_seconds == 0
    assert Snapshot(AT, 1.0, {}, {}, Backlog(0, None, 0)).oldest_seconds is None
