from __future__ import annotations

from collections import defaultdict
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
from shothik_payment.domain.model.api_key import ApiKey, ApiKeyStatus
from shothik_payment.domain.model.identifiers import bucket_of
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.api_keys import AuditEntry, KeyChange, VersionConflict
from shothik_payment.domain.ports.ledger_store import RequestRecord


class MongoApiKeys:
    """A key counts its audit entries, so that their order does not hang on clocks."""

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database

    @property
    def _keys(self) -> Collection:
        return self._database.collection(names.API_KEYS)

    async def commit(self, change: KeyChange) -> RequestRecord | None:
        async def work(session: AsyncClientSession) -> None:
            await self._write(change, session)

        request = change.request
        with self._database.bounded():
            try:
                await self._transact(work)
            except DuplicateKeyError:
                # The record of this very call, if its answer was lost on the way.
                done = None if request is None else await self._find(request.user_id, request.key)
                if done is None:
                    raise VersionConflict from None  # a digest that is taken
                return None if done == request else done
        return None

    async def _write(self, change: KeyChange, session: AsyncClientSession) -> None:
        if change.request is not None:
            bound = self._database.collection(names.REQUEST_KEYS)
            await bound.insert_one(rows.record_document(change.request), session=session)
        for key in change.added:
            await self._keys.insert_one(
                {**rows.api_key_document(key), "changes": 0}, session=session
            )
        for key in change.changed:
            document = rows.api_key_document(replace(key, version=key.version + 1))
            # A key that was stored before they had versions has none.
            read = {"$in": [0, None]} if key.version == 0 else key.version
            which = {"_id": document.pop("_id"), "version": read}
            done = await self._keys.update_one(which, {"$set": document}, session=session)
            if done.matched_count == 0:
                raise VersionConflict
        if change.entries:
            await record(self._database, change.entries, session)

    async def get(self, key_id: str) -> ApiKey | None:
        return await self._one({"_id": key_id})

    async def by_digest(self, digest: bytes) -> ApiKey | None:
        return await self._one({"digest": digest})

    async def ending(
        self, since: Millis, until: Millis, limit: int, *, warned: bool = False
    ) -> Sequence[ApiKey]:
        which: dict[str, Any] = {
            "expires_at": {"$gt": since, "$lte": until},
            "revoked_at": None,
            "replaced_by": None,
        }
        if not warned:
            which["$expr"] = {"$ne": ["$warned_for", "$expires_at"]}
        return await self._many(which, limit, expires_at=1, _id=1)

    async def has_legacy(self, at: Millis) -> bool:
        which = {"legacy": True, **_in_status(ApiKeyStatus.ACTIVE, at)}
        with self._database.bounded():
            return await self._keys.find_one(which, {"_id": 1}) is not None

    async def request(self, scope: str, key: str) -> RequestRecord | None:
        with self._database.bounded():
            return await self._find(scope, key)

    async def audit(
        self, key_id: str, limit: int, before: int | None = None
    ) -> Sequence[AuditEntry]:
        which: dict[str, Any] = {"key_id": key_id}
        if before is not None:
            which["number"] = {"$lt": before}
        with self._database.bounded():
            cursor = self._database.collection(names.API_KEY_AUDIT).find(which)
            found = await cursor.sort("number", -1).limit(limit).to_list()
        return [
            AuditEntry(
                entry["key_id"],
                Millis(int(entry["at"])),
                entry["actor"],
                entry["action"],
                entry["changes"],
                entry["ip"],
                int(entry["number"]),
            )
            for entry in found
        ]

    async def services(self) -> set[str]:
        with self._database.bounded():
            return set(await self._keys.distinct("service"))

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
        which: dict[str, Any] = {}
        if after is not None:
            which["_id"] = {"$lt" if newest_first else "$gt": after}
        if service is not None:
            which["service"] = service
        if status is not None:
            which |= _in_status(status, at)
        return await self._many(which, limit, _id=-1 if newest_first else 1)

    async def _many(self, which: dict[str, Any], limit: int, **order: int) -> Sequence[ApiKey]:
        with self._database.bounded():
            found = await self._keys.find(which).sort(order).limit(limit).to_list()
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


async def record(
    database: MongoDatabase, entries: Sequence[AuditEntry], session: AsyncClientSession
) -> None:
    """Add to the audit logs of keys, as a part of the session's transaction."""
    of_keys: dict[str, list[AuditEntry]] = defaultdict(list)
    for entry in entries:
        of_keys[entry.key_id].append(entry)
    for key_id, own in of_keys.items():
        counted = await database.collection(names.API_KEYS).find_one_and_update(
            {"_id": key_id},
            {"$inc": {"changes": len(own)}},
            {"changes": 1},
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        last = 0 if counted is None else counted["changes"]
        numbered = enumerate(own, last - len(own) + 1)
        documents = [_entry_document(entry, number) for number, entry in numbered]
        await database.collection(names.API_KEY_AUDIT).insert_many(documents, session=session)


def _in_status(status: ApiKeyStatus, at: Millis) -> dict[str, Any]:
    if status is ApiKeyStatus.REVOKED:
        return {"revoked_at": {"$ne": None}}
    if status is ApiKeyStatus.EXPIRED:
        return {"revoked_at": None, "expires_at": {"$lte": at}}
    return {"revoked_at": None, "$or": [{"expires_at": None}, {"expires_at": {"$gt": at}}]}


def _entry_document(entry: AuditEntry, number: int) -> dict[str, Any]:
    return {
        "schema_version": rows.SCHEMA_VERSION,
        "key_id": entry.key_id,
        "number": number,
        "at": entry.at,
        "actor": entry.actor,
        "action": entry.action,
        "changes": entry.changes,
        "ip": entry.ip,
    }
