from __future__ import annotations

from dataclasses import replace

from shothik_payment.adapters.mongo import names
from shothik_payment.domain.model.api_key import ApiKeyStatus
from shothik_payment.domain.model.time import Millis
from tests.contracts.bindings import mongo_ports, opened_mongo
from tests.contracts.book import NOW
from tests.contracts.test_api_keys import add, change, made, told

LATER_IN_KEYS = ("version", "line", "rotated_at", "replaced_by", "replaces", "warned_for")


async def test_keys_that_were_stored_before_there_were_rotations(url: str) -> None:
    async with opened_mongo(url, migrate=True) as database:
        keys = mongo_ports(database).api_keys
        key = replace(made("key_1"), expires_at=None)
        await add(keys, key)
        unset = {"$unset": dict.fromkeys(LATER_IN_KEYS, ""), "$set": {"schema_version": 1}}
        await database.collection(names.API_KEYS).update_one({}, unset)
        assert await keys.get("key_1") == key
        assert await keys.list(None, None, 5, ApiKeyStatus.ACTIVE, NOW) == [key]
        ends = replace(key, expires_at=Millis(NOW + 1))
        assert await change(keys, ends, "update")
        assert await keys.ending(NOW, Millis(NOW + 1), 5) == [replace(ends, version=1)]
        assert not await change(keys, ends, "update")
        assert await told(keys, "key_1") == ["update", "generate"]
