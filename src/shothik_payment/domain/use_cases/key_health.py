"""Whether an API key can be used, and what is to be known about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from shothik_payment.domain.catalog import Catalog, Service
from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.model.api_key import ENDS_SOON, ApiKey, ApiKeyStatus
from shothik_payment.domain.model.time import SECOND, Millis
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.rate_limiter import RateLimiter
from shothik_payment.domain.use_cases.quotas import key_quota


class Reason(StrEnum):
    """The first four say that the key cannot be used."""

    REVOKED = "revoked"
    EXPIRED = "expired"
    SERVICE_GONE = "service_gone"
    NO_SCOPES = "no_scopes"
    ROTATED = "rotated"
    EXPIRES_SOON = "expires_soon"
    NEVER_USED = "never_used"
    LEGACY = "legacy"
    RATE_LIMITED = "rate_limited"


_UNUSABLE = {Reason.REVOKED, Reason.EXPIRED, Reason.SERVICE_GONE, Reason.NO_SCOPES}


@dataclass(frozen=True, slots=True)
class Health:
    """`expires_in`: seconds, 0 once it has expired; None without an end. `rate_limit_remaining`:
    requests that may be made now; None where nobody can tell."""

    valid: bool
    reasons: list[Reason]
    expires_in: int | None
    rate_limit_remaining: int | None
    last_used_at: Millis | None


class KeyHealth:
    """`rate_limit_per_hour`: of services that the catalog gives none."""

    def __init__(
        self, catalog: Catalog, limiter: RateLimiter, clock: Clock, rate_limit_per_hour: int
    ) -> None:
        self._catalog = catalog
        self._limiter = limiter
        self._clock = clock
        self._rate_limit_per_hour = rate_limit_per_hour

    async def check(self, key: ApiKey) -> Health:
        """The key comes with its last use. The check counts as no request."""
        now = self._clock.now()
        service = self._catalog.find_service(key.service)
        remaining = None if service is None else await self._remaining(key, service)
        reasons = list(_reasons(key, service, remaining, now))
        left = None if key.expires_at is None else max(0, (key.expires_at - now) // SECOND)
        valid = _UNUSABLE.isdisjoint(reasons)
        return Health(valid, reasons, left, remaining, key.last_used_at)

    async def _remaining(self, key: ApiKey, service: Service) -> int | None:
        quota = key_quota(service, key.line, key.rate_limit, self._rate_limit_per_hour)
        try:
            return await self._limiter.remaining(*quota)
        except Unavailable:
            return None


def _reasons(
    key: ApiKey, service: Service | None, remaining: int | None, now: Millis
) -> Iterator[Reason]:
    status = key.status(now)
    if status is ApiKeyStatus.REVOKED:
        yield Reason.REVOKED
    if status is ApiKeyStatus.EXPIRED:
        yield Reason.EXPIRED
    if service is None:
        yield Reason.SERVICE_GONE
    if not key.scopes:
        yield Reason.NO_SCOPES
    if key.replaced_by is not None:
        yield Reason.ROTATED
    ends_soon = key.expires_at is not None and key.expires_at <= now + ENDS_SOON
    if status is ApiKeyStatus.ACTIVE and ends_soon:
        yield Reason.EXPIRES_SOON
    if key.last_used_at is None:
        yield Reason.NEVER_USED
    if key.legacy:
        yield Reason.LEGACY
    if remaining == 0:
        yield Reason.RATE_LIMITED
