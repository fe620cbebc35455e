"""API keys: made, listed, revoked, and told apart at the door."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence

from shothik_payment.domain.catalog import Catalog
from shothik_payment.domain.errors import (
    Forbidden,
    IdempotencyKeyReused,
    InvalidRequest,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.model.api_key import (
    ApiKey,
    ApiKeyStatus,
    Scope,
    compose_key,
    digest_of,
    well_formed,
)
from shothik_payment.domain.model.time import SECOND, Millis
from shothik_payment.domain.ports.api_keys import ApiKeys, AuditEntry
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.ids import Ids
from shothik_payment.domain.ports.ledger_store import RequestRecord
from shothik_payment.domain.use_cases.active_services import ActiveServices
from shothik_payment.domain.use_cases.principals import ServicePrincipal

CACHE_MS = 1 * SECOND
"""How long a key is believed, or refused, without looking: well below the 2 s that a revocation
may take."""
CACHED_KEYS = 10_000
CACHED_REFUSALS = 1_000
_RANDOMNESS = 64
_ATTEMPTS = 10
"""To change a key that others are changing as well."""


class KeyAdministration:
    def __init__(self, keys: ApiKeys, catalog: Catalog, clock: Clock, ids: Ids) -> None:
        self._keys = keys
        self._catalog = catalog
        self._clock = clock
        self._ids = ids

    async def generate(
        self,
        service: str,
        *,
        actor: str,
        name: str | None = None,
        scopes: Sequence[Scope] | None = None,
        expires_at: Millis | None = None,
        allowed_ips: Sequence[str] = (),
        rate_limit: int | None = None,
        ip: str | None = None,
        request: RequestBinding | None = None,
    ) -> tuple[ApiKey, str | None]:
        """A new key and its plain text, which is shown this once: None on a repeat."""
        if request is not None:
            done = await self._keys.request(actor, request.key)
            if done is not None:
                return await self._repeated(done, request), None
        found = self._catalog.service(service)
        now = self._clock.now()
        if expires_at is not None and expires_at <= now:
            raise InvalidRequest.of("expiresAt", "a time in the future")
        plain = compose_key(found.slug, self._ids.random_bytes(_RANDOMNESS))
        key = ApiKey(
            id=f"key_{self._ids.next()}",
            service=found.name,
            name=name or f"{found.slug} key",
            digest=digest_of(plain),
            prefix=f"sk_{found.slug}_",
            last4=plain[-4:],
            created_at=now,
            scopes=list(scopes) if scopes is not None else list(Scope),
            expires_at=expires_at,
            rate_limit=rate_limit,
            allowed_ips=[_network(i, ip) for i, ip in enumerate(allowed_ips)],
        )
        entry = AuditEntry(key.id, now, actor, "generate", {"service": key.service}, ip)
        record = (
            RequestRecord(actor, request.key, request.fingerprint, key.id, now)
            if request is not None
            else None
        )
        done = await self._keys.add(key, entry, record)
        if done is not None and request is not None:
            return await self._repeated(done, request), None
        return key, plain

    async def _repeated(self, done: RequestRecord, request: RequestBinding) -> ApiKey:
        if done.fingerprint != request.fingerprint:
            raise IdempotencyKeyReused
        return await self.get(done.subject_id)

    async def list(
        self, service: str | None, after: str | None, limit: int
    ) -> tuple[list[ApiKey], str | None]:
        name = self._catalog.service(service).name if service is not None else None
        found = await self._keys.list(name, after, limit + 1)
        page = found[:limit]
        return page, page[-1].id if len(found) > limit else None

    async def get(self, key_id: str) -> ApiKey:
        key = await self._keys.get(key_id)
        if key is None:
            raise NotFound("API key", key_id)
        return key

    async def revoke(self, key_id: str, *, actor: str, ip: str | None = None) -> ApiKey:
        """Revoked for good; again: the same answer."""
        for _ in range(_ATTEMPTS):
            key = await self.get(key_id)
            if key.revoked_at is not None:
                return key
            key.revoked_at = self._clock.now()
            entry = AuditEntry(key.id, key.revoked_at, actor, "revoke", {"status": "revoked"}, ip)
            stored = await self._keys.update(key, entry)
            if stored is not None:
                return stored
        raise Unavailable("Others are changing the API key; try again.")


def _network(index: int, text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise InvalidRequest.of(f"allowedIps[{index}]", "an IP address or network") from None


_Known = tuple[Millis, ApiKey, ServicePrincipal]


class KeyRing:
    """Tells which service a key stands for.

    Shape and checksum first, without I/O; then a look-up whose result is believed for a second,
    so that a revocation anywhere is heeded within two, by the store's word alone. A refusal is
    kept as long: who goes on with a key that is no good costs one look-up a second.
    """

    def __init__(
        self, keys: ApiKeys, catalog: Catalog, active: ActiveServices, clock: Clock
    ) -> None:
        self._keys = keys
        self._catalog = catalog
        self._active = active
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._refused: dict[str, tuple[Millis, str]] = {}
        self._asking: dict[str, tuple[Millis, asyncio.Future[_Known]]] = {}

    async def principal(self, plain: str, ip: str | None) -> ServicePrincipal:
        """Raises Unauthenticated for a key that is mistyped, unknown, revoked or expired,
        Forbidden where it may not be used from `ip`."""
        now = self._clock.now()
        known = self._known.get(plain)
        if known is None or not _is_fresh(known[0], now):
            known = await self._ask(plain, now)
        _, key, principal = known
        if key.expires_at is not None and key.expires_at <= now:
            raise Unauthenticated("The API key has expired.")
        if key.allowed_ips and not _allowed(key.allowed_ips, ip):
            raise Forbidden("The API key may not be used from this address.")
        return principal

    async def _ask(self, plain: str, now: Millis) -> _Known:
        refused = self._refused.get(plain)
        if refused is not None and _is_fresh(refused[0], now):
            raise Unauthenticated(refused[1])
        if not well_formed(plain):
            raise Unauthenticated("This is not an API key of this service; is it mistyped?")
        asking = self._asking.get(plain)
        # A look-up that takes long may have seen the key before it was revoked.
        if asking is None or not _is_fresh(asking[0], now):
            asking = now, asyncio.ensure_future(self._look_up(plain, now))
            self._asking[plain] = asking
            asking[1].add_done_callback(lambda looked_up: self._forget(plain, looked_up))
        return await asyncio.shield(asking[1])

    def _forget(self, plain: str, looked_up: asyncio.Future[_Known]) -> None:
        asking = self._asking.get(plain)
        if asking is not None and asking[1] is looked_up:
            del self._asking[plain]

    async def _look_up(self, plain: str, asked_at: Millis) -> _Known:
        self._known.pop(plain, None)
        key = await self._keys.by_digest(digest_of(plain))
        if key is None:
            raise self._refusal(plain, asked_at, "The API key is unknown.")
        status = key.status(asked_at)
        if status is not ApiKeyStatus.ACTIVE:
            raise self._refusal(plain, asked_at, f"The API key is {status}.")
        service = self._catalog.find_service(key.service)
        if service is None:
            reason = "The API key's service is in the catalog no more."
            raise self._refusal(plain, asked_at, reason)
        self._active.add(service.name)
        principal = ServicePrincipal(service, key.id, frozenset(key.scopes), key.rate_limit)
        if len(self._known) >= CACHED_KEYS:
            self._known.clear()
        self._known[plain] = known = (asked_at, key, principal)
        return known

    def _refusal(self, plain: str, asked_at: Millis, reason: str) -> Unauthenticated:
        if len(self._refused) >= CACHED_REFUSALS:
            self._refused.clear()
        self._refused[plain] = asked_at, reason
        return Unauthenticated(reason)


def _is_fresh(at: Millis, now: Millis) -> bool:
    return 0 <= now - at < CACHE_MS  # a clock that stepped back stretches nothing


def _allowed(networks: Sequence[str], ip: str | None) -> bool:
    if ip is None:
        return False
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(network) for network in networks)
