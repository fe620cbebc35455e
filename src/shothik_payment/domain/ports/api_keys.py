"""API keys at rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from shothik_payment.domain.model.api_key import ApiKey
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.ledger_store import RequestRecord


@dataclass(slots=True)
class AuditEntry:
    """One change of a key: append-only. `changes` maps a field to what it became, as text."""

    key_id: str
    at: Millis
    actor: str
    action: str
    changes: dict[str, str]
    ip: str | None = None


class ApiKeys(Protocol):
    async def add(
        self, key: ApiKey, entry: AuditEntry, request: RequestRecord | None = None
    ) -> RequestRecord | None:
        """Store a new key with its audit entry, durably. Where `request`'s key (its `user_id`
        scopes it) is taken already, store nothing and return the record that holds it."""
        ...

    async def get(self, key_id: str) -> ApiKey | None: ...

    async def by_digest(self, digest: bytes) -> ApiKey | None: ...

    async def list(self, service: str | None, after: str | None, limit: int) -> list[ApiKey]:
        """By id, ids above `after`; of one service where given."""
        ...

    async def update(self, key: ApiKey, entry: AuditEntry) -> ApiKey | None:
        """Store a changed key with its audit entry, durably; the key as it is stored, one version
        on. None, and nothing is stored, where the stored key is not of `key`'s version: somebody
        else has changed it since it was read."""
        ...

    async def request(self, scope: str, key: str) -> RequestRecord | None:
        """The record under this request key."""
        ...

    async def audit(self, key_id: str, limit: int) -> Sequence[AuditEntry]:
        """Newest first."""
        ...

    async def services(self) -> set[str]:
        """Names of the services that ever had a key: the active ones."""
        ...
