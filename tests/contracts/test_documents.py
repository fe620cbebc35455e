from __future__ import annotations

import asyncio

from tests.contracts.bindings import Stores


async def test_a_document_is_replaced_only_if_it_is_still_the_old_one(stores: Stores) -> None:
    documents = stores.ours.documents("session")
    assert await documents.get("d1") is None
    assert not await documents.replace("d1", b"not there", b"new")
    assert await documents.replace("d1", None, b"one\x00")
    assert not await documents.replace("d1", None, b"two")
    assert not await documents.replace("d1", b"another", b"two")
    assert await stores.theirs.documents("session").get("d1") == b"one\x00"
    assert await documents.replace("d1", b"one\x00", b"")
    assert await documents.get("d1") == b""
    assert await documents.replace("d1", b"", b"three")


async def test_kinds_are_apart(stores: Stores) -> None:
    await stores.ours.documents("a").replace("d1", None, b"a")
    assert await stores.ours.documents("b").get("d1") is None
    assert await stores.ours.documents("b").replace("d1", None, b"b")
    assert await stores.ours.documents("a").get("d1") == b"a"


async def test_racing_counters_lose_no_step(stores: Stores) -> None:
    async def count(n: int) -> None:
        documents = (stores.ours if n % 2 else stores.theirs).documents("counter")
        done = False
        while not done:
            old = await documents.get("c")
            done = await documents.replace("c", old, str(int(old or 0) + 1).encode())

    await asyncio.gather(*(count(n) for n in range(10)))
    assert await stores.ours.documents("counter").get("c") == b"10"
