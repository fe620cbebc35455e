from __future__ import annotations

from tests.contracts.bindings import Stores


async def test_a_store_that_answers_is_well(stores: Stores) -> None:
    assert stores.ours.health.name == "store"
    await stores.ours.health.ping()
