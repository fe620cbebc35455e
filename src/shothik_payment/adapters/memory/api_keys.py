from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shothik_payment.adapters import codec
from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.domain.model.api_key import ApiKey
from shothik_payment.domain.ports.api_keys import AuditEntry
from shothik_payment.domain.ports.ledger_store import RequestRecord


class MemoryApiKeys:
    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def add(
        self, key: ApiKey, entry: AuditEntry, request: RequestRecord | None = None
    ) -> RequestRecord | None:
        if request is not None:
            done = self._state.requests.setdefault((request.user_id, request.key), request)
            if done is not request:
                return replace(done)
            self._state.requests[request.user_id, request.key] = replace(request)
        self._state.api_keys_by_digest[key.digest] = key.id
        self._store(key, entry)
        return None

    async def get(self, key_id: str) -> ApiKey | None:
        stored = self._state.api_keys.get(key_id)
        return None if stored is None else codec.decode_api_key(stored)

    async def by_digest(self, digest: bytes) -> ApiKey | None:
        return await self.get(self._state.api_keys_by_digest.get(digest, ""))

    async def update(self, key: ApiKey, entry: AuditEntry) -> ApiKey | None:
        stored = await self.get(key.id)
        if stored is None or stored.version != key.version:
            return None
        self._store(replace(key, version=key.version + 1), entry)
        return await self.get(key.id)

    async def request(self, scope: str, key: str) -> RequestRecord | None:
        done = self._state.requests.get((scope, key))
        return None if done is None else replace(done)

    async def audit(self, key_id: str, limit: int) -> Sequence[AuditEntry]:
        own = [entry for entry in reversed(self._state.api_key_audit) if entry.key_id == key_id]
        return [replace(entry, changes=dict(entry.changes)) for entry in own[:limit]]

    async def services(self) -> set[str]:
        return {codec.decode_api_key(stored).service for stored in self._state.api_keys.values()}

    async def list(self, service: str | None, after: str | None, limit: int) -> list[ApiKey]:
        ids = sorted(key_id for key_id in self._state.api_keys if key_id > (after or ""))
        keys = (codec.decode_api_key(self._state.api_keys[key_id]) for key_id in ids)
        return [key for key in keys if service in (None, key.service)][:limit]

    def _store(self, key: ApiKey, entry: AuditEntry) -> None:
        self._state.api_keys[key.id] = codec.encode(key)
        self._state.api_key_audit.append(replace(entry, changes=dict(entry.changes)))
