from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shothik_payment.adapters import codec
from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.domain.model.api_key import ApiKey, ApiKeyStatus
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.api_keys import AuditEntry, KeyChange, VersionConflict
from shothik_payment.domain.ports.ledger_store import RequestRecord


class MemoryApiKeys:
    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def commit(self, change: KeyChange) -> RequestRecord | None:
        state, request = self._state, change.request
        if request is not None:
            done = state.requests.get((request.user_id, request.key))
            if done is not None:
                return replace(done)
        if any(key.digest in state.api_keys_by_digest for key in change.added):
            raise VersionConflict
        for key in change.changed:
            stored = await self.get(key.id)
            if stored is None or stored.version != key.version:
                raise VersionConflict
        if request is not None:
            state.requests[request.user_id, request.key] = replace(request)
        for key in change.added:
            state.api_keys_by_digest[key.digest] = key.id
            state.api_keys[key.id] = codec.encode(key)
        for key in change.changed:
            state.api_keys[key.id] = codec.encode(replace(key, version=key.version + 1))
        for entry in change.entries:
            state.api_key_audit.append(replace(entry, changes=dict(entry.changes)))
        return None

    async def get(self, key_id: str) -> ApiKey | None:
        stored = self._state.api_keys.get(key_id)
        return None if stored is None else codec.decode_api_key(stored)

    async def by_digest(self, digest: bytes) -> ApiKey | None:
        return await self.get(self._state.api_keys_by_digest.get(digest, ""))

    async def ending(
        self, since: Millis, until: Millis, limit: int, *, warned: bool = False
    ) -> Sequence[ApiKey]:
        found = [
            (key.expires_at, key.id, key)
            for key in map(codec.decode_api_key, self._state.api_keys.values())
            if key.expires_at is not None
            and since < key.expires_at <= until
            and key.revoked_at is None
            and key.replaced_by is None
            and (warned or key.warned_for != key.expires_at)
        ]
        return [key for _, _, key in sorted(found, key=lambda one: one[:2])[:limit]]

    async def has_legacy(self, at: Millis) -> bool:
        keys = map(codec.decode_api_key, self._state.api_keys.values())
        return any(key.legacy and key.status(at) is ApiKeyStatus.ACTIVE for key in keys)

    async def request(self, scope: str, key: str) -> RequestRecord | None:
        done = self._state.requests.get((scope, key))
        return None if done is None else replace(done)

    async def audit(
        self, key_id: str, limit: int, before: int | None = None
    ) -> Sequence[AuditEntry]:
        own = [
            replace(entry, changes=dict(entry.changes), number=number)
            for number, entry in enumerate(self._state.api_key_audit, 1)
            if entry.key_id == key_id and (before is None or number < before)
        ]
        return own[::-1][:limit]

    async def services(self) -> set[str]:
        return {codec.decode_api_key(stored).service for stored in self._state.api_keys.values()}

    async def list(
        self,
        service: str | None,
        after: str | None,
        limit: int,
        status: ApiKeyStatus | None = None,
        at: Millis = Millis(0),
        *,
        newest_first: bool = False,
    ) -> Sequence[ApiKey]:
        ids = sorted(self._state.api_keys, reverse=newest_first)
        if after is not None:
            ids = [i for i in ids if (i < after if newest_first else i > after)]
        keys = (codec.decode_api_key(self._state.api_keys[key_id]) for key_id in ids)
        return [
            key
            for key in keys
            if service in (None, key.service) and status in (None, key.status(at))
        ][:limit]
