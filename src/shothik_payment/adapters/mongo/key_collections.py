"""The collections of API keys: the keys, their log, how often they were used and when last."""

from __future__ import annotations

from shothik_payment.adapters.mongo import names
from shothik_payment.adapters.mongo.stored import Stored, index


class ApiKeyDocument(Stored):
    """`changes` counts the entries in the audit log."""

    id: str
    service: str
    digest: bytes
    changes: int
    expires_at: int | None = None
    revoked_at: int | None = None
    legacy: bool | None = None

    class Settings:
        name = names.API_KEYS
        indexes = (
            index("digest", "digest", unique=True),
            index("service", "service", "_id"),
            index("status", "revoked_at", "_id", "expires_at"),
            index("ending", "expires_at"),
            index("legacy", "legacy", where="legacy"),
        )


class ApiKeyAuditDocument(Stored):
    key_id: str
    number: int

    class Settings:
        name = names.API_KEY_AUDIT
        indexes = (index("key", "key_id", "number", unique=True),)


class KeyUsageDocument(Stored):
    """`_id` is `{key id}/{hour}/{status}/{endpoint}`; `hour` its start."""

    id: str
    key_id: str
    hour: int
    endpoint: str
    status: int
    requests: int

    class Settings:
        name = names.KEY_USAGE
        indexes = (
            index("key", "key_id", "hour"),
            index("hour", "hour"),
        )


class KeyLastUseDocument(Stored):
    """`_id` is the key's id."""

    id: str
    at: int

    class Settings:
        name = names.KEY_LAST_USE


class UsageRecorderDocument(Stored):
    """Up to which of its batches a recorder's counts are stored."""

    id: str
    batch: int
    at: int

    class Settings:
        name = names.USAGE_RECORDERS
        indexes = (index("old", "at"),)
