"""Makes what the documents of `collections.py` declare."""

from __future__ import annotations

from typing import Any

from beanie import init_beanie
from pymongo.asynchronous.database import AsyncDatabase

from shothik_payment.adapters.mongo import collections, names
from shothik_payment.adapters.mongo.charges import CHARGES_SINCE, add_up_older_rows
from shothik_payment.adapters.mongo.rows import SCHEMA_VERSION


async def migrate(database: AsyncDatabase[dict[str, Any]]) -> None:
    """Idempotent, and several may do it at once: an index that is there stays, and none is ever
    dropped. The version is written last, so a migration that was killed is run again."""
    await init_beanie(database=database, document_models=list(collections.ALL))
    schema = database[names.SCHEMA]
    found = await schema.find_one({"_id": "schema"})
    if found is not None and found["version"] < CHARGES_SINCE:
        await add_up_older_rows(database)
    await schema.update_one({"_id": "probe"}, {"$setOnInsert": {"probes": 0}}, upsert=True)
    await schema.update_one(
        {"_id": "schema"},
        {"$max": {"version": SCHEMA_VERSION}, "$set": {"schema_version": SCHEMA_VERSION}},
        upsert=True,
    )
