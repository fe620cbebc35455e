"""API keys: made, listed, changed, rotated, revoked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from shothik_payment.domain.catalog import Catalog, Service
from shothik_payment.domain.errors import (
    Conflict,
    IdempotencyKeyReused,
    NotFound,
    PaymentServiceError,
    Unavailable,
)
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.model.api_key import (
    DEFAULT_GRACE_SECONDS,
    ENDS_SOON,
    ApiKey,
    ApiKeyStatus,
    Scope,
    compose_key,
    digest_of,
)
from shothik_payment.domain.model.time import Millis, rfc3339
from shothik_payment.domain.ports.api_keys import ApiKeys, AuditEntry, KeyChange, VersionConflict
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.ids import Ids
from shothik_payment.domain.ports.ledger_store import RequestRecord
from shothik_payment.domain.use_cases.key_terms import (
    KeyUpdate,
    differences,
    each_once,
    networks,
    require_future,
    require_name,
    rotated,
    terms,
    updated,
)
from shothik_payment.domain.use_cases.requests import bound

_RANDOMNESS = 64
_ATTEMPTS = 10
"""To change a key that others are changing as well."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """`plain` is the new key's text, which is shown this once: None on a repeat. `old` ends at its
    `expires_at`."""

    key: ApiKey
    plain: str | None
    old: ApiKey


class KeyAdministration:
    """`actor` is who asks, as the audit log names them, and scopes their request keys; `ip` the
    address that they ask from. What is done under a request key is done once: a repeat finds the
    key as it is by then. Each write raises NotFound, IdempotencyKeyReused, and Unavailable where
    others change the key all the time."""

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
        done = await self.done(actor, request)
        if done is not None:
            return await self.get(done.subject_id), None
        found = self._catalog.service(service)
        now = self._clock.now()
        require_future(expires_at, now)
        if name is not None:
            require_name(name)
        key, plain = self._new(found, name or f"{found.slug} key", now)
        key.scopes = each_once(scopes) if scopes is not None else list(Scope)
        key.expires_at = expires_at
        key.rate_limit = rate_limit
        key.allowed_ips = networks(allowed_ips)
        entry = AuditEntry(key.id, now, actor, "generate", terms(key), ip)
        record = bound(actor, request, key.id, now)
        done = await self._keys.commit(KeyChange([key], (), [entry], record))
        if done is not None:
            return await self.get(self._same(done, request).subject_id), None
        return key, plain

    def _new(self, service: Service, name: str, now: Millis) -> tuple[ApiKey, str]:
        plain = compose_key(service.slug, self._ids.random_bytes(_RANDOMNESS))
        key = ApiKey(
            id=f"key_{self._ids.next()}",
            service=service.name,
            name=name,
            digest=digest_of(plain),
            prefix=f"sk_{service.slug}_",
            last4=plain[-4:],
            created_at=now,
        )
        return key, plain

    # Reads

    async def get(self, key_id: str) -> ApiKey:
        key = await self._keys.get(key_id)
        if key is None:
            raise NotFound("API key", key_id)
        return key

    async def list(
        self,
        service: str | None,
        after: str | None,
        limit: int,
        status: ApiKeyStatus | None = None,
        *,
        newest_first: bool = False,
    ) -> tuple[Sequence[ApiKey], str | None]:
        """By id, and after which one to go on; None at the end."""
        name = self._catalog.service(service).name if service is not None else None
        found = await self._keys.list(
            name, after, limit + 1, status, self._clock.now(), newest_first=newest_first
        )
        page = found[:limit]
        return page, page[-1].id if len(found) > limit else None

    async def ending_soon(self, limit: int) -> Sequence[ApiKey]:
        """Keys that end within a week, soonest first; without those that another has replaced."""
        now = self._clock.now()
        return await self._keys.ending(now, Millis(now + ENDS_SOON), limit, warned=True)

    async def audit_log(
        self, key_id: str, before: int | None, limit: int
    ) -> tuple[Sequence[AuditEntry], int | None]:
        """The last written first, and before which one to go on; None at the end. Refused uses are
        written later than they came. Raises NotFound."""
        await self.get(key_id)
        found = await self._keys.audit(key_id, limit + 1, before)
        page = found[:limit]
        return page, page[-1].number if len(found) > limit else None

    # Changes

    async def update(
        self,
        key_id: str,
        update: KeyUpdate,
        *,
        actor: str,
        ip: str | None = None,
        request: RequestBinding | None = None,
    ) -> tuple[ApiKey, bool]:
        """The key, and whether this is a repeat. Raises InvalidRequest, ApiKeyRevoked,
        ApiKeyExpired, and ApiKeyRotated for what a rotated key may not become."""

        def plan(key: ApiKey, now: Millis) -> KeyChange:
            new = updated(key, update, now)
            changes = differences(key, new)
            if not changes:
                return KeyChange()
            return KeyChange((), [new], [AuditEntry(key.id, now, actor, "update", changes, ip)])

        change = await self._change(key_id, actor, request, plan)
        if isinstance(change, RequestRecord) or not change.changed:
            return await self.get(key_id), isinstance(change, RequestRecord)
        return _stored(change.changed[0]), False

    async def revoke(
        self,
        key_id: str,
        *,
        actor: str,
        ip: str | None = None,
        request: RequestBinding | None = None,
    ) -> tuple[ApiKey, bool]:
        """Revoked for good, and whether this is a repeat under a request key. A key that is
        revoked already stays as it is."""

        def plan(key: ApiKey, now: Millis) -> KeyChange:
            if key.revoked_at is not None:
                return KeyChange()
            entry = AuditEntry(key.id, now, actor, "revoke", {"status": "revoked"}, ip)
            return KeyChange((), [replace(key, revoked_at=now)], [entry])

        change = await self._change(key_id, actor, request, plan)
        if isinstance(change, RequestRecord) or not change.changed:
            return await self.get(key_id), isinstance(change, RequestRecord)
        return _stored(change.changed[0]), False

    async def rotate(
        self,
        key_id: str,
        *,
        actor: str,
        grace_seconds: int = DEFAULT_GRACE_SECONDS,
        ip: str | None = None,
        request: RequestBinding | None = None,
    ) -> Rotation:
        """A new key that takes the key's place, with all its terms; the old one goes on for the
        grace, or until its own end if that is earlier. Raises ApiKeyRevoked, ApiKeyExpired,
        ApiKeyRotated, and Conflict where the catalog has the service no more."""
        plain = ""

        def plan(key: ApiKey, now: Millis) -> KeyChange:
            nonlocal plain
            new, plain = self._successor(key, now)
            old = rotated(key, new.id, grace_seconds, now)
            end = {} if old.expires_at is None else {"expiresAt": rfc3339(old.expires_at)}
            given = AuditEntry(old.id, now, actor, "rotate", {"replacedBy": new.id, **end}, ip)
            made = AuditEntry(
                new.id, now, actor, "generate", {**terms(new), "replaces": old.id}, ip
            )
            return KeyChange([new], [old], [given, made])

        change = await self._change(key_id, actor, request, plan)
        if not isinstance(change, RequestRecord):
            return Rotation(change.added[0], plain, _stored(change.changed[0]))
        return Rotation(await self.get(change.subject_id), None, await self.get(key_id))

    def _successor(self, key: ApiKey, now: Millis) -> tuple[ApiKey, str]:
        service = self._catalog.find_service(key.service)
        if service is None:
            raise Conflict("The API key's service is in the catalog no more.")
        new, plain = self._new(service, key.name, now)
        new.line, new.replaces = key.line, key.id
        new.scopes, new.allowed_ips = list(key.scopes), list(key.allowed_ips)
        new.expires_at, new.rate_limit = key.expires_at, key.rate_limit
        return new, plain

    async def _change(
        self,
        key_id: str,
        actor: str,
        request: RequestBinding | None,
        plan: Callable[[ApiKey, Millis], KeyChange],
    ) -> KeyChange | RequestRecord:
        """Store what `plan` makes of the key as it is, and once more where somebody else was
        faster. The record, where it was done before under the same request key."""
        for _ in range(_ATTEMPTS):
            done = await self.done(actor, request)
            if done is not None:
                return done
            key, now = await self.get(key_id), self._clock.now()
            try:
                change = plan(key, now)
            except PaymentServiceError:
                # Perhaps for what the same request has done in another process, since we looked.
                done = await self.done(actor, request)
                if done is None:
                    raise
                return done
            # A new key's id tells this call from another that asks the same at the same time.
            subject_id = change.added[0].id if change.added else key_id
            change.request = bound(actor, request, subject_id, now)
            if not change.changed and change.request is None:
                return change
            try:
                done = await self._keys.commit(change)
            except VersionConflict:
                continue
            return change if done is None else self._same(done, request)
        raise Unavailable("Others are changing the API key; try again.")

    async def done(self, actor: str, request: RequestBinding | None) -> RequestRecord | None:
        """What was done under the request key before. Raises IdempotencyKeyReused."""
        if request is None:
            return None
        done = await self._keys.request(actor, request.key)
        return None if done is None else self._same(done, request)

    @staticmethod
    def _same(done: RequestRecord, request: RequestBinding | None) -> RequestRecord:
        if request is None or done.fingerprint != request.fingerprint:
            raise IdempotencyKeyReused
        return done


def _stored(key: ApiKey) -> ApiKey:
    """As it is once it was stored."""
    return replace(key, version=key.version + 1)
