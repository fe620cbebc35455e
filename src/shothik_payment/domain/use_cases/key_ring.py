"""API keys told apart at the door."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from shothik_payment.domain.catalog import Catalog
from shothik_payment.domain.errors import Forbidden, RefusedUse, Unauthenticated, Unavailable
from shothik_payment.domain.model.api_key import (
    ApiKey,
    ApiKeyStatus,
    digest_of,
    may_be_legacy,
    well_formed,
)
from shothik_payment.domain.model.networks import Network, is_within, network_of
from shothik_payment.domain.model.time import SECOND, Millis
from shothik_payment.domain.ports.api_keys import ApiKeys
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.observer import UNOBSERVED, Observer
from shothik_payment.domain.use_cases.active_services import ActiveServices
from shothik_payment.domain.use_cases.principals import ServicePrincipal

CACHE_MS = 1 * SECOND
"""How long a key is believed, or refused, without looking: well below the 2 s that a revocation
may take."""
SLOW_MS = 1_500
"""What a look-up that took longer has found may be of before a revocation that is due by now."""
CACHED_KEYS = 10_000
CACHED_REFUSALS = 1_000


@dataclass(frozen=True, slots=True)
class _Known:
    """`networks` is read once, not at each request."""

    at: Millis
    key: ApiKey
    principal: ServicePrincipal
    networks: tuple[Network, ...]


class KeyRing:
    """Tells which service a key stands for.

    Shape and checksum first, without I/O; then a look-up whose result is believed for a second,
    so that a revocation anywhere is heeded within two, by the store's word alone. A refusal is
    kept as long: who goes on with a key that is no good costs one look-up a second. A look-up
    that took too long to keep this is made once more.

    While a key of the old service is alive, which has no checksum, what has another shape is
    looked up, too. Whether one is alive is asked at most once a second.
    """

    def __init__(
        self,
        keys: ApiKeys,
        catalog: Catalog,
        active: ActiveServices,
        clock: Clock,
        observer: Observer = UNOBSERVED,
    ) -> None:
        self._keys = keys
        self._catalog = catalog
        self._active = active
        self._clock = clock
        self._observer = observer
        self._known: dict[str, _Known] = {}
        self._refused: dict[str, tuple[Millis, str, RefusedUse | None]] = {}
        self._asking: dict[str, tuple[Millis, asyncio.Future[_Known]]] = {}
        self._legacy: tuple[Millis, asyncio.Future[bool]] | None = None

    async def principal(self, plain: str, ip: str | None) -> ServicePrincipal:
        """Raises Unauthenticated for a key that is mistyped, unknown, revoked or expired,
        Forbidden where it may not be used from `ip`, Unavailable where the store is too slow to
        tell in time."""
        now = self._clock.now()
        known = self._known.get(plain)
        if known is None or not _is_fresh(known.at, now):
            known = await self._ask_in_time(plain, now)
            now = self._clock.now()
        key = known.key
        if key.expires_at is not None and key.expires_at <= now:
            raise Unauthenticated("The API key has expired.").of(key.id, "expired")
        if known.networks and (ip is None or not is_within(ip, known.networks)):
            refusal = Forbidden("The API key may not be used from this address.")
            raise refusal.of(key.id, "address")
        return known.principal

    async def _ask_in_time(self, plain: str, now: Millis) -> _Known:
        for _ in range(2):
            known = await self._ask(plain, now)
            now = self._clock.now()
            if 0 <= now - known.at < SLOW_MS:
                return known
        raise Unavailable("API keys cannot be looked up in time; try again.")

    async def _ask(self, plain: str, now: Millis) -> _Known:
        refused = self._refused.get(plain)
        if refused is not None and _is_fresh(refused[0], now):
            raise _refusal(refused[1], refused[2])
        if not well_formed(plain) and not (may_be_legacy(plain) and await self._has_legacy(now)):
            raise Unauthenticated("This is not an API key of this service; is it mistyped?")
        asking = self._asking.get(plain)
        # A look-up that takes long may have seen the key before it was revoked.
        if asking is None or not _is_fresh(asking[0], now):
            asking = now, asyncio.ensure_future(self._look_up(plain, now))
            self._asking[plain] = asking
            asking[1].add_done_callback(lambda looked_up: self._forget(plain, looked_up))
        return await asyncio.shield(asking[1])

    async def _has_legacy(self, now: Millis) -> bool:
        asked = self._legacy
        if asked is None or not _is_fresh(asked[0], now) or _has_failed(asked[1]):
            asked = self._legacy = now, asyncio.ensure_future(self._keys.has_legacy(now))
        return await asyncio.shield(asked[1])

    def _forget(self, plain: str, looked_up: asyncio.Future[_Known]) -> None:
        asking = self._asking.get(plain)
        if asking is not None and asking[1] is looked_up:
            del self._asking[plain]
        if not looked_up.cancelled():
            looked_up.exception()  # whoever asked may be gone; nobody has to be told then

    async def _look_up(self, plain: str, asked_at: Millis) -> _Known:
        self._known.pop(plain, None)
        self._observer.key_looked_up()
        key = await self._keys.by_digest(digest_of(plain))
        if key is None:
            raise self._refuse(plain, asked_at, "The API key is unknown.")
        status = key.status(asked_at)
        if status is not ApiKeyStatus.ACTIVE:
            use = RefusedUse(key.id, status.value)
            raise self._refuse(plain, asked_at, f"The API key is {status}.", use)
        service = self._catalog.find_service(key.service)
        if service is None:
            reason = "The API key's service is in the catalog no more."
            raise self._refuse(plain, asked_at, reason, RefusedUse(key.id, "service_gone"))
        self._active.add(service.name)
        scopes = frozenset(key.scopes)
        principal = ServicePrincipal(service, key.id, key.line, scopes, key.rate_limit)
        if len(self._known) >= CACHED_KEYS:
            self._known.clear()
        networks = tuple(map(network_of, key.allowed_ips))
        self._known[plain] = known = _Known(asked_at, key, principal, networks)
        return known

    def _refuse(
        self, plain: str, asked_at: Millis, reason: str, use: RefusedUse | None = None
    ) -> Unauthenticated:
        if len(self._refused) >= CACHED_REFUSALS:
            self._refused.clear()
        self._refused[plain] = asked_at, reason, use
        return _refusal(reason, use)


def _refusal(reason: str, use: RefusedUse | None) -> Unauthenticated:
    refusal = Unauthenticated(reason)
    refusal.use = use
    return refusal


def _is_fresh(at: Millis, now: Millis) -> bool:
    return 0 <= now - at < CACHE_MS  # a clock that stepped back stretches nothing


def _has_failed(asked: asyncio.Future[bool]) -> bool:
    return asked.done() and (asked.cancelled() or asked.exception() is not None)
