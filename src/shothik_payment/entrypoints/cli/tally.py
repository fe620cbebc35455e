"""What `monitor` counts, and what it shows of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shothik_payment.domain.model.time import SECOND, Millis, rfc3339
from shothik_payment.domain.ports.event_log import Backlog
from shothik_payment.domain.ports.event_stream import QueueState, ReceivedEvent


@dataclass(frozen=True, slots=True)
class TypeCount:
    """Of one event type: since the start, a second of late, and the newest's RFC 3339 time."""

    total: int
    per_second: float
    last: str


class Tally:
    """Counts what was heard, lap by lap."""

    def __init__(self) -> None:
        self._totals: Counter[str] = Counter()
        self._lap: Counter[str] = Counter()
        self._last: dict[str, str] = {}

    def add(self, event: ReceivedEvent) -> None:
        self._totals[event.type] += 1
        self._lap[event.type] += 1
        self._last[event.type] = event.time

    def lap(self, seconds: float) -> dict[str, TypeCount]:
        """By type, in the order of their names; the next lap begins."""
        lap, self._lap = self._lap, Counter()
        return {
            kind: TypeCount(total, round(lap[kind] / max(seconds, 0.001), 2), self._last[kind])
            for kind, total in sorted(self._totals.items())
        }


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`queues` and `outbox` None: could not be asked; `problems` say why."""

    at: Millis
    seconds: float
    events: Mapping[str, TypeCount]
    queues: Mapping[str, QueueState] | None
    outbox: Backlog | None
    problems: tuple[str, ...] = ()

    @property
    def oldest_seconds(self) -> float | None:
        """How long the oldest event waits to be published; None where none does."""
        if self.outbox is None or self.outbox.oldest_at is None:
            return None
        return max(0, self.at - self.outbox.oldest_at) / SECOND

    def as_json(self) -> dict[str, Any]:
        outbox = self.outbox
        return {
            "at": rfc3339(self.at),
            "seconds": round(self.seconds, 3),
            "events": {
                kind: {"total": c.total, "perSecond": c.per_second, "last": c.last}
                for kind, c in self.events.items()
            },
            "queues": None
            if self.queues is None
            else {
                name: {"waiting": state.waiting, "consumers": state.consumers}
                for name, state in self.queues.items()
            },
            "outbox": None
            if outbox is None
            else {
                "waiting": outbox.events,
                "oldestSeconds": self.oldest_seconds,
                "unwanted": outbox.unwanted,
            },
            "problems": list(self.problems),
        }
