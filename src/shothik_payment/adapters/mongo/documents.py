from __future__ import annotations

from bson import Binary
from pymongo.errors import DuplicateKeyError

from shothik_payment.adapters.mongo import names
from shothik_payment.adapters.mongo.database import Collection, MongoDatabase
from shothik_payment.adapters.mongo.rows import SCHEMA_VERSION


class MongoDocuments:
    """Documents of one `kind`."""

    def __init__(self, database: MongoDatabase, kind: str) -> None:
        self._database = database
        self._kind = kind

    @property
    def _documents(self) -> Collection:
        return self._database.collection(names.DOCUMENTS)

    def _id(self, document_id: str) -> str:
        return f"{self._kind}/{document_id}"

    async def get(self, document_id: str) -> bytes | None:
        with self._database.bounded():
            found = await self._documents.find_one({"_id": self._id(document_id)})
        return None if found is None else bytes(found["body"])

    async def replace(self, document_id: str, old: bytes | None, new: bytes) -> bool:
        with self._database.bounded():
            if old is None:
                return await self._add(self._id(document_id), new)
            done = await self._documents.update_one(
                {"_id": self._id(document_id), "body": Binary(old)},
                {"$set": {"body": Binary(new)}},
            )
            return done.matched_count == 1

    async def _add(self, identifier: str, body: bytes) -> bool:
        try:
            await self._documents.insert_one(
                {"_id": identifier, "schema_version": SCHEMA_VERSION, "body": Binary(body)}
            )
        except DuplicateKeyError:
            return False
        return True
