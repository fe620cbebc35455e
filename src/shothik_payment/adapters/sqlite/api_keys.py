from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from shothik_payment.adapters import codec
from shothik_payment.adapters.sqlite.commit import remember
from shothik_payment.adapters.sqlite.database import SqliteDatabase
from shothik_payment.domain.model.api_key import ApiKey
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.api_keys import AuditEntry
from shothik_payment.domain.ports.ledger_store import RequestRecord

_BY_ID = "SELECT body FROM api_keys WHERE id = ?"
_decode_changes = msgspec.json.Decoder(dict[str, str]).decode


class SqliteApiKeys:
    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def add(
        self, key: ApiKey, entry: AuditEntry, request: RequestRecord | None = None
    ) -> RequestRecord | None:
        def work(connection: sqlite3.Connection) -> RequestRecord | None:
            if request is not None:
                done = _request(connection, request.user_id, request.key)
                if done is not None:
                    return done
                remember(connection, request)
            connection.execute(
                "INSERT INTO api_keys (id, service, digest, body) VALUES (?, ?, ?, ?)",
                (key.id, key.service, key.digest, codec.encode(key).decode()),
            )
            _record(connection, entry)
            return None

        return await self._database.write(work)

    async def get(self, key_id: str) -> ApiKey | None:
        return await self._one(_BY_ID, key_id)

    async def by_digest(self, digest: bytes) -> ApiKey | None:
        return await self._one("SELECT body FROM api_keys WHERE digest = ?", digest)

    async def update(self, key: ApiKey, entry: AuditEntry) -> ApiKey | None:
        body = codec.encode(replace(key, version=key.version + 1)).decode()

        def work(connection: sqlite3.Connection) -> bool:
            # Writers take turns, so nobody comes between the look and the change.
            row = connection.execute(_BY_ID, (key.id,)).fetchone()
            if row is None or codec.decode_api_key(row[0]).version != key.version:
                return False
            connection.execute("UPDATE api_keys SET body = ? WHERE id = ?", (body, key.id))
            _record(connection, entry)
            return True

        return codec.decode_api_key(body) if await self._database.write(work) else None

    async def request(self, scope: str, key: str) -> RequestRecord | None:
        return await self._database.read(lambda c: _request(c, scope, key))

    async def audit(self, key_id: str, limit: int) -> Sequence[AuditEntry]:
        found = await self._database.read(
            lambda c: c.execute(
                "SELECT key_id, at, actor, action, changes, ip FROM api_key_audit"
                " WHERE key_id = ? ORDER BY entry DESC LIMIT ?",
                (key_id, limit),
            ).fetchall()
        )
        return [
            AuditEntry(row[0], Millis(row[1]), row[2], row[3], _decode_changes(row[4]), row[5])
            for row in found
        ]

    async def services(self) -> set[str]:
        found = await self._database.read(
            lambda c: c.execute("SELECT DISTINCT service FROM api_keys").fetchall()
        )
        return {service for (service,) in found}

    async def list(self, service: str | None, after: str | None, limit: int) -> list[ApiKey]:
        condition, values = "id > ?", list[Any]([after or ""])
        if service is not None:
            condition += " AND service = ?"
            values.append(service)
        statement = f"SELECT body FROM api_keys WHERE {condition} ORDER BY id LIMIT ?"  # noqa: S608
        found = await self._database.read(
            lambda c: c.execute(statement, (*values, limit)).fetchall()
        )
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


def _record(connection: sqlite3.Connection, entry: AuditEntry) -> None:
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
