"""API keys at rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from shothik_payment.domain.model.api_key import ApiKey, ApiKeyStatus
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.ledger_store import RequestRecord


@dataclass(slots=True)
class AuditEntry:
    """One change of a key, or refused uses: append-only. `changes` maps a field to what it became,
    as text. `number` is the store's: it rises with each entry of the key."""

    key_id: str
    at: Millis
    actor: str
    action: str
    changes: dict[str, str]
    ip: str | None = None
    number: int = 0


@dataclass(slots=True)
class KeyChange:
    """What is stored together or not at all. `changed`: keys as they were read, and then changed;
    each is stored one version on. `entries` may be about keys that exist or are added."""

    added: Sequence[ApiKey] = ()
    changed: Sequence[ApiKey] = ()
    entries: Sequence[AuditEntry] = ()
    request: RequestRecord | None = None


class VersionConflict(Exception):
    """Somebody else has changed a key since it was read, or added it."""


class ApiKeys(Protocol):
    async def commit(self, change: KeyChange) -> RequestRecord | None:
        """Store it, durably. Where its request's key (its `user_id` scopes it) is taken already,
        store nothing and return the record that holds it. Raises VersionConflict, and nothing is
        stored, where the stored key is not of the version that was read, or is not there, or where
        there is a key with the digest of an added one."""
        ...

    async def get(self, key_id: str) -> ApiKey | None: ...

    async def by_digest(self, digest: bytes) -> ApiKey | None: ...

    async def ending(
        self, since: Millis, until: Millis, limit: int, *, warned: bool = False
    ) -> Sequence[ApiKey]:
        """Keys that end after `since` and not after `until`, soonest first: not revoked, not
        rotated, and, unless those are wanted as well, not warned of this end."""
        ...

    async def has_legacy(self, at: Millis) -> bool:
        """Whether a key of the old service is active then."""
        ...

    async def request(self, scope: str, key: str) -> RequestRecord | None:
        """The record under this request key."""
        ...

    async def audit(
        self, key_id: str, limit: int, before: int | None = None
    ) -> Sequence[AuditEntry]:
        """By number, the last written first, whatever their `at`; below `before` where given."""
        ...

    async def services(self) -> set[str]:
        """Names of the services that ever had a key: the active ones."""
        ...

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
        """By id, ids above `after`, or from the highest down and below it; of one service where
        given, and of one status as of `at`."""
        ...
