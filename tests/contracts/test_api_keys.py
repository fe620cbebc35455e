from __future__ import annotations

import asyncio
from dataclasses import replace

from shothik_payment.domain.model.api_key import ApiKey, Scope
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.api_keys import AuditEntry
from shothik_payment.domain.ports.ledger_store import RequestRecord
from tests.contracts.bindings import Stores
from tests.contracts.book import NOW, SERVICE, Book, binding, granting, opening


def made(key_id: str, service: str = SERVICE) -> ApiKey:
    return ApiKey(
        id=key_id,
        service=service,
        name="ü key",
        digest=key_id.encode().ljust(32, b"\xff"),
        prefix="sk_paraphrase_",
        last4="abcd",
        created_at=NOW,
        scopes=[Scope.CREDITS_DEDUCT],
        expires_at=Millis(NOW + 1),
        rate_limit=7,
        allowed_ips=["10.0.0.0/8"],
    )


def entry(key_id: str, action: str = "generate") -> AuditEntry:
    return AuditEntry(key_id, NOW, "admin:a1", action, {"service": SERVICE}, "10.0.0.1")


async def test_a_key_is_found_by_id_and_by_digest(stores: Stores) -> None:
    keys = stores.ours.api_keys
    key = made("key_1")
    assert await keys.add(key, entry("key_1")) is None
    assert await stores.theirs.api_keys.get("key_1") == key
    assert await stores.theirs.api_keys.by_digest(key.digest) == key
    assert await keys.get("key_2") is None
    assert await keys.get("") is None
    assert await keys.by_digest(b"\0" * 32) is None


async def test_keys_are_copies(stores: Stores) -> None:
    key = made("key_1")
    await stores.ours.api_keys.add(key, entry("key_1"))
    key.scopes.clear()
    found = await stores.ours.api_keys.get("key_1")
    assert found is not None
    found.allowed_ips.clear()
    assert await stores.ours.api_keys.get("key_1") == made("key_1")


async def test_keys_are_listed_by_id(stores: Stores) -> None:
    keys = stores.ours.api_keys
    for key_id, service in (("key_3", SERVICE), ("key_1", SERVICE), ("key_2", "slide_service")):
        await keys.add(made(key_id, service), entry(key_id))

    async def ids(service: str | None, after: str | None, limit: int) -> list[str]:
        return [key.id for key in await keys.list(service, after, limit)]

    assert await ids(None, None, 10) == ["key_1", "key_2", "key_3"]
    assert await ids(None, None, 2) == ["key_1", "key_2"]
    assert await ids(None, "key_1", 10) == ["key_2", "key_3"]
    assert await ids(SERVICE, "key_1", 10) == ["key_3"]
    assert await ids("adcopy_service", None, 10) == []


async def test_a_change_is_stored_with_its_audit_entry(stores: Stores) -> None:
    keys = stores.ours.api_keys
    key = made("key_1")
    await keys.add(key, entry("key_1"))
    await keys.add(made("key_2"), entry("key_2"))
    key.revoked_at = NOW
    stored = await keys.update(key, entry("key_1", "revoke"))
    assert stored == replace(key, version=key.version + 1)
    assert await stores.theirs.api_keys.get("key_1") == stored
    assert await keys.by_digest(key.digest) == stored
    assert await keys.audit("key_1", 10) == [entry("key_1", "revoke"), entry("key_1")]
    assert await keys.audit("key_1", 1) == [entry("key_1", "revoke")]
    assert await keys.audit("key_3", 10) == []


async def test_a_change_of_what_another_has_changed_meanwhile_is_not_stored(
    stores: Stores,
) -> None:
    ours, theirs = stores.ours.api_keys, stores.theirs.api_keys
    await ours.add(made("key_1"), entry("key_1"))
    first, second = await ours.get("key_1"), await theirs.get("key_1")
    assert first is not None
    assert second is not None
    first.name, second.name = "first", "second"
    assert await ours.update(first, entry("key_1", "first")) == replace(first, version=1)
    assert await theirs.update(second, entry("key_1", "second")) is None
    assert await ours.update(first, entry("key_1", "again")) is None
    stored = await theirs.get("key_1")
    assert stored == replace(first, version=1)
    assert [e.action for e in await ours.audit("key_1", 10)] == ["first", "generate"]
    stored.revoked_at = NOW
    assert await theirs.update(stored, entry("key_1", "revoke")) == replace(stored, version=2)
    assert await ours.update(made("key_2"), entry("key_2", "of no key")) is None
    assert await ours.audit("key_2", 10) == []


async def test_of_racing_changes_each_is_stored_or_refused(stores: Stores) -> None:
    await stores.ours.api_keys.add(made("key_1"), entry("key_1"))

    async def change(n: int) -> bool:
        keys = (stores.ours if n % 2 else stores.theirs).api_keys
        key = await keys.get("key_1")
        assert key is not None
        key.allowed_ips.append(f"10.0.0.{n}")
        return await keys.update(key, entry("key_1", f"change {n}")) is not None

    done = await asyncio.gather(*(change(n) for n in range(6)))
    key = await stores.ours.api_keys.get("key_1")
    assert key is not None
    assert key.version == sum(done) == len(key.allowed_ips) - 1 >= 1
    told = [e.action for e in await stores.ours.api_keys.audit("key_1", 20)]
    assert sorted(told) == sorted(["generate", *(f"change {n}" for n in range(6) if done[n])])


async def test_services_that_ever_had_a_key(stores: Stores) -> None:
    keys = stores.ours.api_keys
    assert await keys.services() == set()
    revoked = made("key_1")
    revoked.revoked_at = NOW
    await keys.add(revoked, entry("key_1"))
    await keys.add(made("key_2", "slide_service"), entry("key_2"))
    assert await keys.services() == {SERVICE, "slide_service"}


async def test_a_request_key_makes_one_key(stores: Stores) -> None:
    keys = stores.ours.api_keys
    record = RequestRecord("admin:a1", "POST generate k", b"f", "key_1", NOW)
    assert await keys.request("admin:a1", "POST generate k") is None
    assert await keys.add(made("key_1"), entry("key_1"), record) is None
    assert await keys.request("admin:a1", "POST generate k") == record
    assert await keys.request("admin:a2", "POST generate k") is None
    again = RequestRecord("admin:a1", "POST generate k", b"g", "key_2", NOW)
    assert await keys.add(made("key_2"), entry("key_2"), again) == record
    assert await keys.get("key_2") is None
    assert await keys.audit("key_2", 10) == []


async def test_of_racing_requests_one_makes_its_key(stores: Stores) -> None:
    async def generate(n: int) -> RequestRecord | None:
        key_id = f"key_{n}"
        record = RequestRecord("admin:a1", "k", b"f", key_id, NOW)
        ports = stores.ours if n % 2 else stores.theirs
        return await ports.api_keys.add(made(key_id), entry(key_id), record)

    answers = await asyncio.gather(*(generate(n) for n in range(10)))
    (stored,) = await stores.ours.api_keys.list(None, None, 20)
    losers = [answer.subject_id for answer in answers if answer is not None]
    assert losers == [stored.id] * 9


async def test_a_request_key_of_the_ledger_is_another(book: Book, stores: Stores) -> None:
    """A key's scope is told apart from a wallet's user by name alone, so the two never clash."""
    await book.do(granting("u1"), opening("u1", binding("k")))
    record = RequestRecord("admin:a1", binding("k").key, b"f", "key_1", NOW)
    assert await stores.ours.api_keys.add(made("key_1"), entry("key_1"), record) is None
