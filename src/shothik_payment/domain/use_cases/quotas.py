"""What a service's requests count against."""

from __future__ import annotations

from shothik_payment.domain.catalog import Service

Quota = tuple[str, int, int]
"""A subject, how many requests it may make, in any so many seconds."""

HOUR_SECONDS = 3600


def shared_limit(service: Service, default: int) -> int:
    """Requests an hour of all the service's keys together that have no limit of their own.
    `default`: of services that the catalog gives none."""
    own = service.rate_limit_per_hour
    return default if own is None else own


def key_quota(service: Service, line: str, rate_limit: int | None, default: int) -> Quota:
    """Of a key in this line of rotations. A limit of its own counts over the whole line, so that
    a rotation does not double it."""
    if rate_limit is not None:
        return f"key:{line}", rate_limit, HOUR_SECONDS
    return f"service:{service.name}", shared_limit(service, default), HOUR_SECONDS
