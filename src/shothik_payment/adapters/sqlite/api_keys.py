from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from shothik_payment.adapters import codec
from shothik_payment.adapters.sqlite.commit import remember
from shothik_payment.adapters.sqlite.database import SqliteDatabase
from shothik_payment.domain.model.api_key import ApiKey, ApiKeyStatus
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.api_keys import AuditEntry, KeyChange, VersionConflict
from shothik_payment.domain.ports.ledger_store import RequestRecord

_BY_ID = "SELECT body FROM api_keys WHERE id = ?"
_BY_DIGEST = "SELECT body FROM api_keys WHERE digest = ?"
_ENDING = """
    SELECT body FROM api_keys
    WHERE expires_at > ? AND expires_at <= ? AND revoked_at IS NULL
        AND json_extract(body, '$.replaced_by') IS NULL
        AND (? OR json_extract(body, '$.warned_for') IS NOT expires_at)
    ORDER BY expires_at, id LIMIT ?
"""
_LEGACY = """
    SELECT 1 FROM api_keys
    WHERE legacy = 1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?) LIMIT 1
"""
_IN_STATUS = {
    ApiKeyStatus.ACTIVE: "active_until > ?",
    ApiKeyStatus.REVOKED: "active_until = -1",
    ApiKeyStatus.EXPIRED: "active_until BETWEEN 0 AND ?",
}
_FAR = 2**63 - 1
_ABOVE_ALL = "\U0010ffff"
_decode_changes = msgspec.json.Decoder(dict[str, str]).decode


class SqliteApiKeys:
    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def commit(self, change: KeyChange) -> RequestRecord | None:
        return await self._database.write(lambda connection: _commit(connection, change))

    async def get(self, key_id: str) -> ApiKey | None:
        return await self._one(_BY_ID, key_id)

    async def by_digest(self, digest: bytes) -> ApiKey | None:
        return await self._one(_BY_DIGEST, digest)

    async def ending(
        self, since: Millis, until: Millis, limit: int, *, warned: bool = False
    ) -> Sequence[ApiKey]:
        return await self._many(_ENDING, (since, until, warned, limit))

    async def has_legacy(self, at: Millis) -> bool:
        found = await self._database.read(lambda c: c.execute(_LEGACY, (at,)).fetchone())
        return found is not None

    async def request(self, scope: str, key: str) -> RequestRecord | None:
        return await self._database.read(lambda c: _request(c, scope, key))

    async def audit(
        self, key_id: str, limit: int, before: int | None = None
    ) -> Sequence[AuditEntry]:
        found = await self._database.read(
            lambda c: c.execute(
                "SELECT key_id, at, actor, action, changes, ip, entry FROM api_key_audit"
                " WHERE key_id = ? AND entry < ? ORDER BY entry DESC LIMIT ?",
                (key_id, _FAR if before is None else before, limit),
            ).fetchall()
        )
        return [
            AuditEntry(
                row[0], Millis(row[1]), row[2], row[3], _decode_changes(row[4]), row[5], row[6]
            )
            for row in found
        ]

    async def services(self) -> set[str]:
        found = await self._database.read(
            lambda c: c.execute("SELECT DISTINCT service FROM api_keys").fetchall()
        )
        return {service for (service,) in found}

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
        conditions, values, order = ["id > ?"], list[Any]([after or ""]), "id"
        if newest_first:
            conditions, values, order = ["id < ?"], [after or _ABOVE_ALL], "id DESC"
        if service is not None:
            conditions.append("service = ?")
            values.append(service)
        if status is not None:
            conditions.append(_IN_STATUS[status])
            values += [at] * _IN_STATUS[status].count("?")
        which = " AND ".join(conditions)
        index = " INDEXED BY api_keys_active" if status is not None else ""
        statement = (
            "SELECT body FROM api_keys WHERE id IN"  # noqa: S608
            f" (SELECT id FROM api_keys{index} WHERE {which} ORDER BY {order} LIMIT ?)"
            f" ORDER BY {order}"
        )
        return await self._many(statement, (*values, limit))

    async def _many(self, statement: str, values: Sequence[Any]) -> Sequence[ApiKey]:
        found = await self._database.read(lambda c: c.execute(statement, values).fetchall())
        return [codec.decode_api_key(body) for (body,) in found]

    async def _one(self, statement: str, value: str | bytes) -> ApiKey | None:
        row = await self._database.read(lambda c: c.execute(statement, (value,)).fetchone())
        return None if row is None else codec.decode_api_key(row[0])


def _request(connection: sqlite3.Connection, scope: str, key: str) -> RequestRecord | None:
    row = connection.execute(
        "SELECT user_id, key, fingerprint, subject_id, at FROM requests WHERE request_key = ?",
        (codec.request_digest(scope, key),),
    ).fetchone()
    return None if row is None else RequestRecord(*row)


def _commit(connection: sqlite3.Connection, change: KeyChange) -> RequestRecord | None:
    request = change.request
    if request is not None:
        done = _request(connection, request.user_id, request.key)
        if done is not None:
            return done
        remember(connection, request)
    # Writers take turns, so nobody comes between the looks and the changes.
    for key in change.added:
        if connection.execute(_BY_DIGEST, (key.digest,)).fetchone() is not None:
            raise VersionConflict
        connection.execute(
            "INSERT INTO api_keys (id, service, digest, body, active_until) VALUES (?, ?, ?, ?, ?)",
            (key.id, key.service, key.digest, codec.encode(key).decode(), _active_until(key)),
        )
    for key in change.changed:
        row = connection.execute(_BY_ID, (key.id,)).fetchone()
        if row is None or codec.decode_api_key(row[0]).version != key.version:
            raise VersionConflict
        body = codec.encode(replace(key, version=key.version + 1)).decode()
        connection.execute(
            "UPDATE api_keys SET body = ?, active_until = ? WHERE id = ?",
            (body, _active_until(key), key.id),
        )
    for entry in change.entries:
        record(connection, entry)
    return None


def _active_until(key: ApiKey) -> int:
    if key.revoked_at is not None:
        return -1
    return _FAR if key.expires_at is None else key.expires_at


def record(connection: sqlite3.Connection, entry: AuditEntry) -> None:
    connection.execute(
        "INSERT INTO api_key_audit (key_id, at, actor, action, changes, ip)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            entry.key_id,
            entry.at,
            entry.actor,
            entry.action,
            codec.encode(entry.changes).decode(),
            entry.ip,
        ),
    )
