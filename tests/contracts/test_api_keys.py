from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from shothik_payment.domain.model.api_key import ApiKey, ApiKeyStatus, Scope
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.api_keys import (
    ApiKeys,
    AuditEntry,
    KeyChange,
    VersionConflict,
)
from shothik_payment.domain.ports.ledger_store import RequestRecord
from tests.contracts.bindings import Stores
from tests.contracts.book import NOW, SERVICE


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


def entry(key_id: str, action: str = "generate", number: int = 0) -> AuditEntry:
    changes = {"service": SERVICE}
    return AuditEntry(key_id, NOW, "admin:a1", action, changes, "10.0.0.1", number)


async def add(
    keys: ApiKeys, key: ApiKey, request: RequestRecord | None = None
) -> RequestRecord | None:
    return await keys.commit(KeyChange([key], (), [entry(key.id)], request))


async def change(keys: ApiKeys, key: ApiKey, action: str) -> bool:
    """False where somebody else was faster."""
    try:
        await keys.commit(KeyChange((), [key], [entry(key.id, action)]))
    except VersionConflict:
        return False
    return True


async def told(keys: ApiKeys, key_id: str, limit: int = 20) -> list[str]:
    return [entry.action for entry in await keys.audit(key_id, limit)]


async def test_a_key_is_found_by_id_and_by_digest(stores: Stores) -> None:
    keys = stores.ours.api_keys
    key = made("key_1")
    assert await add(keys, key) is None
    assert await stores.theirs.api_keys.get("key_1") == key
    assert await stores.theirs.api_keys.by_digest(key.digest) == key
    assert await keys.get("key_2") is None
    assert await keys.get("") is None
    assert await keys.by_digest(b"\0" * 32) is None


async def test_one_digest_is_one_key(stores: Stores) -> None:
    key = made("key_1")
    await add(stores.ours.api_keys, key)
    with pytest.raises(VersionConflict):
        await add(stores.theirs.api_keys, replace(key, id="key_2"))
    assert await stores.ours.api_keys.by_digest(key.digest) == key
    assert await stores.ours.api_keys.get("key_2") is None
    assert await told(stores.ours.api_keys, "key_2") == []


async def test_keys_are_copies(stores: Stores) -> None:
    key = made("key_1")
    await add(stores.ours.api_keys, key)
    key.scopes.clear()
    found = await stores.ours.api_keys.get("key_1")
    assert found is not None
    found.allowed_ips.clear()
    assert await stores.ours.api_keys.get("key_1") == made("key_1")


async def test_keys_are_listed_by_id(stores: Stores) -> None:
    keys = stores.ours.api_keys
    for key_id, service in (("key_3", SERVICE), ("key_1", SERVICE), ("key_2", "slide_service")):
        await add(keys, made(key_id, service))

    async def ids(
        service: str | None, after: str | None, limit: int, newest_first: bool = False
    ) -> list[str]:
        found = await keys.list(service, after, limit, newest_first=newest_first)
        return [key.id for key in found]

    assert await ids(None, None, 10) == ["key_1", "key_2", "key_3"]
    assert await ids(None, None, 2) == ["key_1", "key_2"]
    assert await ids(None, "key_1", 10) == ["key_2", "key_3"]
    assert await ids(SERVICE, "key_1", 10) == ["key_3"]
    assert await ids("adcopy_service", None, 10) == []
    assert await ids(None, None, 2, newest_first=True) == ["key_3", "key_2"]
    assert await ids(None, "key_2", 2, newest_first=True) == ["key_1"]
    assert await ids(SERVICE, "key_3", 2, newest_first=True) == ["key_1"]


async def test_keys_are_listed_by_status(stores: Stores) -> None:
    keys, later = stores.ours.api_keys, Millis(NOW + 5)
    for key_id in ("key_1", "key_2", "key_3", "key_4", "key_5"):
        key = replace(made(key_id), expires_at=None)
        if key_id in ("key_2", "key_5"):
            key.expires_at = Millis(later if key_id == "key_2" else later + 1)
        if key_id == "key_3":
            key.revoked_at, key.expires_at = NOW, NOW
        await add(keys, key)
    await add(keys, made("key_6", "slide_service"))

    async def ids(status: ApiKeyStatus, after: str | None = None, limit: int = 9) -> list[str]:
        return [k.id for k in await keys.list(SERVICE, after, limit, status, later)]

    assert await ids(ApiKeyStatus.ACTIVE) == ["key_1", "key_4", "key_5"]
    assert await ids(ApiKeyStatus.ACTIVE, "key_1", 1) == ["key_4"]
    assert await ids(ApiKeyStatus.REVOKED) == ["key_3"]
    assert await ids(ApiKeyStatus.EXPIRED) == ["key_2"]
    found = await keys.list(None, None, 9, ApiKeyStatus.EXPIRED, later)
    assert [key.id for key in found] == ["key_2", "key_6"]
    found = await keys.list(None, "key_5", 2, ApiKeyStatus.ACTIVE, later, newest_first=True)
    assert [key.id for key in found] == ["key_4", "key_1"]


async def test_a_change_is_stored_with_its_audit_entry(stores: Stores) -> None:
    keys = stores.ours.api_keys
    key = made("key_1")
    await add(keys, key)
    await add(keys, made("key_2"))
    key.revoked_at = NOW
    assert await change(keys, key, "revoke")
    stored = replace(key, version=key.version + 1)
    assert await stores.theirs.api_keys.get("key_1") == stored
    assert await keys.by_digest(key.digest) == stored
    newest, oldest = await keys.audit("key_1", 10)
    assert newest.number > oldest.number > 0
    assert [newest, oldest] == [
        entry("key_1", "revoke", newest.number),
        entry("key_1", "generate", oldest.number),
    ]
    assert await keys.audit("key_1", 1) == [newest]
    assert await keys.audit("key_1", 9, newest.number) == [oldest]
    assert await keys.audit("key_1", 9, oldest.number) == []


async def test_audit_logs_go_by_what_was_written_last(stores: Stores) -> None:
    """So that who pages through one meets each entry once: clocks differ, and refused uses are
    written after they came."""
    keys = stores.ours.api_keys
    await add(keys, made("key_1"))
    late = [replace(entry("key_1", "refused"), at=Millis(NOW - n)) for n in (1, 3, 2)]
    for one in late:
        await keys.commit(KeyChange(entries=[one]))
    found = await stores.theirs.api_keys.audit("key_1", 9)
    assert [one.at for one in found] == [NOW - 2, NOW - 3, NOW - 1, NOW]
    assert await keys.audit("key_3", 10) == []


async def test_several_keys_are_stored_together_or_not_at_all(stores: Stores) -> None:
    """As a rotation does: the old key, the new one, what is told of both, and the request."""
    ours, theirs = stores.ours.api_keys, stores.theirs.api_keys
    await add(ours, made("key_1"))
    record = RequestRecord("admin:a1", "POST rotate k", b"f", "key_2", NOW)

    def rotation(old: ApiKey, new_id: str, request: RequestRecord | None = None) -> KeyChange:
        old = replace(old, replaced_by=new_id, rotated_at=NOW, expires_at=Millis(NOW + 9))
        new = replace(made(new_id), line=old.line, replaces=old.id)
        entries = [entry(old.id, "rotate"), entry(new_id), entry(old.id, "more")]
        return KeyChange([new], [old], entries, request)

    stale = await theirs.get("key_1")
    read = await ours.get("key_1")
    assert stale is not None
    assert read is not None
    assert await ours.commit(rotation(read, "key_2", record)) is None
    other = replace(record, key="POST rotate other")
    with pytest.raises(VersionConflict):
        await theirs.commit(rotation(stale, "key_3", other))
    again = replace(record, subject_id="key_3")
    assert await theirs.commit(rotation(stale, "key_3", again)) == record
    for keys in (ours, theirs):
        assert await keys.get("key_3") is None
        assert await keys.request("admin:a1", "POST rotate other") is None
        assert await keys.request("admin:a1", "POST rotate k") == record
        old, new = await keys.get("key_1"), await keys.get("key_2")
        assert old is not None
        assert new is not None
        assert (old.replaced_by, old.version, new.line, new.replaces) == (
            "key_2",
            1,
            "key_1",
            "key_1",
        )
        assert await told(keys, "key_1") == ["more", "rotate", "generate"]
        assert await told(keys, "key_2") == ["generate"]
        assert await told(keys, "key_3") == []


async def test_a_change_of_what_another_has_changed_meanwhile_is_not_stored(
    stores: Stores,
) -> None:
    ours, theirs = stores.ours.api_keys, stores.theirs.api_keys
    await add(ours, made("key_1"))
    first, second = await ours.get("key_1"), await theirs.get("key_1")
    assert first is not None
    assert second is not None
    first.name, second.name = "first", "second"
    assert await change(ours, first, "first")
    assert not await change(theirs, second, "second")
    assert not await change(ours, first, "again")
    stored = await theirs.get("key_1")
    assert stored == replace(first, version=1)
    assert await told(ours, "key_1") == ["first", "generate"]
    stored.revoked_at = NOW
    assert await change(theirs, stored, "revoke")
    assert await ours.get("key_1") == replace(stored, version=2)
    assert not await change(ours, made("key_2"), "of no key")
    assert await ours.audit("key_2", 10) == []


async def test_of_racing_changes_each_is_stored_or_refused(stores: Stores) -> None:
    await add(stores.ours.api_keys, made("key_1"))

    async def append(n: int) -> bool:
        keys = (stores.ours if n % 2 else stores.theirs).api_keys
        key = await keys.get("key_1")
        assert key is not None
        key.allowed_ips.append(f"10.0.0.{n}")
        return await change(keys, key, f"change {n}")

    done = await asyncio.gather(*(append(n) for n in range(6)))
    key = await stores.ours.api_keys.get("key_1")
    assert key is not None
    assert key.version == sum(done) == len(key.allowed_ips) - 1 >= 1
    actions = await told(stores.ours.api_keys, "key_1")
    assert sorted(actions) == sorted(["generate", *(f"change {n}" for n in range(6) if done[n])])


async def test_keys_that_end_soon_and_were_not_warned_of(stores: Stores) -> None:
    keys = stores.ours.api_keys
    ends = {"key_1": 3, "key_2": 2, "key_3": 1, "key_4": 10, "key_5": 11, "key_6": 0}
    for key_id, end in ends.items():
        await add(keys, replace(made(key_id), expires_at=Millis(NOW + end)))
    no_end = replace(made("key_0"), expires_at=None)
    revoked = replace(made("key_7"), revoked_at=NOW)
    rotated = replace(made("key_8"), replaced_by="key_9")
    warned = replace(made("key_w"), expires_at=Millis(NOW + 4), warned_for=Millis(NOW + 4))
    moved = replace(made("key_m"), expires_at=Millis(NOW + 5), warned_for=Millis(NOW + 4))
    for key in (no_end, revoked, rotated, warned, moved):
        await add(keys, key)

    async def ids(limit: int) -> list[str]:
        return [key.id for key in await keys.ending(NOW, Millis(NOW + 10), limit)]

    assert await ids(9) == ["key_3", "key_2", "key_1", "key_m", "key_4"]
    assert await ids(2) == ["key_3", "key_2"]
    both = await keys.ending(NOW, Millis(NOW + 10), 9, warned=True)
    assert [key.id for key in both] == ["key_3", "key_2", "key_1", "key_w", "key_m", "key_4"]


async def test_whether_a_key_of_the_old_service_is_alive(stores: Stores) -> None:
    keys = stores.ours.api_keys
    await add(keys, made("key_1"))
    await add(keys, replace(made("key_2"), legacy=True, revoked_at=NOW, expires_at=None))
    assert not await keys.has_legacy(NOW)
    await add(keys, replace(made("key_3"), legacy=True))
    assert await stores.theirs.api_keys.has_legacy(NOW)
    assert not await keys.has_legacy(Millis(NOW + 1))
    await add(keys, replace(made("key_4"), legacy=True, expires_at=None))
    assert await keys.has_legacy(Millis(NOW + 1))
    found = await stores.theirs.api_keys.get("key_4")
    assert found is not None
    assert found.legacy


async def test_services_that_ever_had_a_key(stores: Stores) -> None:
    keys = stores.ours.api_keys
    assert await keys.services() == set()
    revoked = made("key_1")
    revoked.revoked_at = NOW
    await add(keys, revoked)
    await add(keys, made("key_2", "slide_service"))
    assert await keys.services() == {SERVICE, "slide_service"}
