"""What is told of a key's usage."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from shothik_payment.domain.model.key_usage import UsageReport
from shothik_payment.entrypoints.http.replies import Reply, Time, View
from shothik_payment.entrypoints.http.times import rfc3339


class UsagePointView(View, kw_only=True, frozen=True):
    """The requests of one day or hour of UTC, which begins at `start`."""

    start: Time
    requests: int
    by_status: dict[str, int]


class KeyUsageView(View, kw_only=True, frozen=True):
    """Answered requests, refused ones too, from `from` on and before `to`: by the status of the
    answer, by method and route, and one point for each day or hour."""

    granularity: Literal["day", "hour"]
    since: Time = field(name="from")
    until: Time = field(name="to")
    total: int
    by_status: dict[str, int]
    by_endpoint: dict[str, int]
    points: list[UsagePointView]


class KeyUsageReply(Reply, kw_only=True, frozen=True):
    usage: KeyUsageView


def key_usage_view(report: UsageReport) -> KeyUsageView:
    return KeyUsageView(
        granularity=report.granularity.value,
        since=rfc3339(report.since),
        until=rfc3339(report.until),
        total=report.total,
        by_status=_by_status(report.by_status),
        by_endpoint=dict(sorted(report.by_endpoint.items())),
        points=[
            UsagePointView(
                start=rfc3339(point.start),
                requests=point.requests,
                by_status=_by_status(point.by_status),
            )
            for point in report.points
        ],
    )


def _by_status(counts: dict[int, int]) -> dict[str, int]:
    return {str(status): requests for status, requests in sorted(counts.items())}
