"""What API keys were used for: how often, when, and from where. Days and hours are UTC's."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from shothik_payment.domain.model.time import DAY, HOUR, Millis

Slot = tuple[str, Millis, str, int]
"""Where a request is counted: the key's id, the start of the hour in which it was answered, the
endpoint (method and route, as `GET /balance/{userId}`), the status of the answer."""


class Granularity(StrEnum):
    HOUR = "hour"
    DAY = "day"

    @property
    def milliseconds(self) -> int:
        return HOUR if self is Granularity.HOUR else DAY


class KeyUse(NamedTuple):
    """A key that a request showed. `address` None: not known. `refused`: why the key could not be
    used, as `revoked`; None where it could, whatever came of the request."""

    key_id: str
    address: str | None = None
    refused: str | None = None


class LastUse(NamedTuple):
    """`address` None: not known."""

    at: Millis
    address: str | None


@dataclass(frozen=True, slots=True)
class UsageCount:
    """So many requests in the period that begins at `start`."""

    start: Millis
    endpoint: str
    status: int
    requests: int


@dataclass(slots=True)
class UsagePoint:
    start: Millis
    requests: int = 0
    by_status: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class UsageReport:
    """From `since` on and before `until`, both at the edge of a period; one point for each period
    in between, also where nothing was asked."""

    granularity: Granularity
    since: Millis
    until: Millis
    points: list[UsagePoint]
    total: int = 0
    by_status: dict[int, int] = field(default_factory=dict)
    by_endpoint: dict[str, int] = field(default_factory=dict)

    def add(self, count: UsageCount) -> None:
        """Raises IndexError for what is outside of the range."""
        point = self.points[(count.start - self.since) // self.granularity.milliseconds]
        number, status = count.requests, count.status
        point.requests += number
        point.by_status[status] = point.by_status.get(status, 0) + number
        self.total += number
        self.by_status[status] = self.by_status.get(status, 0) + number
        self.by_endpoint[count.endpoint] = self.by_endpoint.get(count.endpoint, 0) + number
