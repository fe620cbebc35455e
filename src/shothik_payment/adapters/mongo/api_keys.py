from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from pymongo import ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import DuplicateKeyError

from shothik_payment.adapters import codec
from shothik_payment.adapters.mongo import names, rows
from shothik_payment.adapters.mongo.database import (
    READ_CONCERN,
    READ_PREFERENCE,
    WRITE_CONCERN,
    Collection,
    MongoDatabase,
)
from shothik_payment.domain.model.api_key import ApiKey
from shothik_payment.domain.model.identifiers import bucket_of
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.api_keys import AuditEntry
from shothik_payment.domain.ports.ledger_store import RequestRecord


class MongoApiKeys:
    """A key counts its audit entries, so that their order does not hang on clocks."""

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database

    @property
    def _keys(self) -> Collection:
        return self._database.collection(names.API_KEYS)

    async def add(
        self, key: ApiKey, entry: AuditEntry, request: RequestRecord | None = None
    ) -> RequestRecord | None:
        async def work(session: AsyncClientSession) -> None:
            if request is not None:
                bound = self._database.collection(names.REQUEST_KEYS)
                await bound.insert_one(rows.record_document(request), session=session)
            document = {**rows.api_key_document(key), "changes": 1}
            await self._keys.insert_one(document, session=session)
            await self._record(entry, 1, session)

        with self._database.bounded():
            try:
                await self._transact(work)
            except DuplicateKeyError:
                # The record of this very call, if its answer was lost on the way.
                done = None if request is None else await self._find(request.user_id, request.key)
                if done is None:
                    raise
                return None if done == request else done
        return None

    async def get(self, key_id: str) -> ApiKey | None:
        return await self._one({"_id": key_id})

    async def by_digest(self, digest: bytes) -> ApiKey | None:
        return await self._one({"digest": digest})

    async def update(self, key: ApiKey, entry: AuditEntry) -> ApiKey | None:
        changed: dict[str, Any] | None = None

        async def work(session: AsyncClientSession) -> None:
            nonlocal changed
            document = rows.api_key_document(replace(key, version=key.version + 1))
            # A key that was stored before they had versions has none.
            read = {"$in": [0, None]} if key.version == 0 else key.version
            changed = await self._keys.find_one_and_update(
                {"_id": document.pop("_id"), "version": read},
                {"$set": document, "$inc": {"changes": 1}},
                return_document=ReturnDocument.AFTER,
                session=session,
            )
            if changed is not None:
                await self._record(entry, changed["changes"], session)

        with self._database.bounded():
            await self._transact(work)
            return None if changed is None else rows.to_api_key(changed)

    async def request(self, scope: str, key: str) -> RequestRecord | None:
        with self._database.bounded():
            return await self._find(scope, key)

    async def audit(self, key_id: str, limit: int) -> Sequence[AuditEntry]:
        with self._database.bounded():
            cursor = self._database.collection(names.API_KEY_AUDIT).find({"key_id": key_id})
            found = await cursor.sort("number", -1).limit(limit).to_list()
        return [
            AuditEntry(
                entry["key_id"],
                Millis(int(entry["at"])),
                entry["actor"],
                entry["action"],
                entry["changes"],
                entry["ip"],
            )
            for entry in found
        ]

    async def services(self) -> set[str]:
        with self._database.bounded():
            return set(await self._keys.distinct("service"))

    async def list(self, service: str | None, after: str | None, limit: int) -> list[ApiKey]:
        which: dict[str, Any] = {"_id": {"$gt": after or ""}}
        if service is not None:
            which["service"] = service
        with self._database.bounded():
            found = await self._keys.find(which).sort("_id", 1).limit(limit).to_list()
            return [rows.to_api_key(key) for key in found]

    async def _one(self, which: dict[str, Any]) -> ApiKey | None:
        with self._database.bounded():
            found = await self._keys.find_one(which)
            return None if found is None else rows.to_api_key(found)

    async def _find(self, scope: str, key: str) -> RequestRecord | None:
        found = await self._database.collection(names.REQUEST_KEYS).find_one(
            {"_id": codec.request_digest(scope, key), "bucket": bucket_of(scope)}
        )
        return None if found is None else rows.to_record(found)

    async def _record(self, entry: AuditEntry, number: int, session: AsyncClientSession) -> None:
        await self._database.collection(names.API_KEY_AUDIT).insert_one(
            {
                "schema_version": rows.SCHEMA_VERSION,
                "key_id": entry.key_id,
                "number": number,
                "at": entry.at,
                "actor": entry.actor,
                "action": entry.action,
                "changes": entry.changes,
                "ip": entry.ip,
            },
            session=session,
        )

    async def _transact(self, work: Callable[[AsyncClientSession], Awaitable[None]]) -> None:
        """The driver repeats the whole, or its commit, where the server says that it may, until
        the deadline is over."""
        async with self._database.client.start_session() as session:
            await session.with_transaction(
                work,
                read_concern=READ_CONCERN,
                write_concern=WRITE_CONCERN,
                read_preference=READ_PREFERENCE,
            )
