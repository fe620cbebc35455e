"""What a request key makes of API keys, on every store."""

from __future__ import annotations

import asyncio

from shothik_payment.domain.ports.api_keys import KeyChange
from shothik_payment.domain.ports.ledger_store import RequestRecord
from tests.contracts.bindings import Stores
from tests.contracts.book import NOW, Book, binding, granting, opening
from tests.contracts.test_api_keys import add, made


async def test_a_request_alone_is_kept(stores: Stores) -> None:
    record = RequestRecord("admin:a1", "PATCH k", b"f", "key_1", NOW)
    assert await stores.ours.api_keys.commit(KeyChange(request=record)) is None
    assert await stores.theirs.api_keys.commit(KeyChange(request=record)) in (None, record)
    assert await stores.theirs.api_keys.request("admin:a1", "PATCH k") == record


async def test_a_request_key_makes_one_key(stores: Stores) -> None:
    keys = stores.ours.api_keys
    record = RequestRecord("admin:a1", "POST generate k", b"f", "key_1", NOW)
    assert await keys.request("admin:a1", "POST generate k") is None
    assert await add(keys, made("key_1"), record) is None
    assert await keys.request("admin:a1", "POST generate k") == record
    assert await keys.request("admin:a2", "POST generate k") is None
    again = RequestRecord("admin:a1", "POST generate k", b"g", "key_2", NOW)
    assert await add(keys, made("key_2"), again) == record
    assert await keys.get("key_2") is None
    assert await keys.audit("key_2", 10) == []


async def test_of_racing_requests_one_makes_its_key(stores: Stores) -> None:
    async def generate(n: int) -> RequestRecord | None:
        key_id = f"key_{n}"
        record = RequestRecord("admin:a1", "k", b"f", key_id, NOW)
        ports = stores.ours if n % 2 else stores.theirs
        return await add(ports.api_keys, made(key_id), record)

    answers = await asyncio.gather(*(generate(n) for n in range(10)))
    (stored,) = await stores.ours.api_keys.list(None, None, 20)
    losers = [answer.subject_id for answer in answers if answer is not None]
    assert losers == [stored.id] * 9


async def test_a_request_key_of_the_ledger_is_another(book: Book, stores: Stores) -> None:
    """A key's scope is told apart from a wallet's user by name alone, so the two never clash."""
    await book.do(granting("u1"), opening("u1", binding("k")))
    record = RequestRecord("admin:a1", binding("k").key, b"f", "key_1", NOW)
    assert await add(stores.ours.api_keys, made("key_1"), record) is None
