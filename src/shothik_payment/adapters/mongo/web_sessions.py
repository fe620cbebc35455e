from __future__ import annotations

from bson import Binary

from shothik_payment.adapters.mongo import names
from shothik_payment.adapters.mongo.database import LONG_SECONDS, Collection, MongoDatabase
from shothik_payment.adapters.mongo.rows import SCHEMA_VERSION
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.web_session import Realm, WebSession


class MongoWebSessions:
    def __init__(self, database: MongoDatabase) -> None:
        self._database = database

    @property
    def _sessions(self) -> Collection:
        return self._database.collection(names.WEB_SESSIONS)

    async def add(self, session: WebSession) -> None:
        with self._database.bounded():
            await self._sessions.insert_one(
                {
                    "_id": Binary(session.digest),
                    "schema_version": SCHEMA_VERSION,
                    "realm": session.realm.value,
                    "user_id": session.user_id,
                    "form_token": session.form_token,
                    "opened_at": session.opened_at,
                    "expires_at": session.expires_at,
                }
            )

    async def get(self, digest: bytes) -> WebSession | None:
        with self._database.bounded():
            found = await self._sessions.find_one({"_id": Binary(digest)})
        if found is None:
            return None
        return WebSession(
            bytes(found["_id"]),
            Realm(found["realm"]),
            found["user_id"],
            found["form_token"],
            Millis(found["opened_at"]),
            Millis(found["expires_at"]),
        )

    async def remove(self, digest: bytes) -> None:
        with self._database.bounded():
            await self._sessions.delete_one({"_id": Binary(digest)})

    async def prune(self, before: Millis, limit: int) -> int:
        with self._database.bounded(LONG_SECONDS):
            cursor = self._sessions.find({"expires_at": {"$lt": before}}, {"_id": 1})
            found = await cursor.sort("expires_at", 1).limit(limit).to_list()
            ids = [document["_id"] for document in found]
            done = await self._sessions.delete_many({"_id": {"$in": ids}})
            return done.deleted_count
