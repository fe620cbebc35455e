from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from shothik_payment.domain.model.api_key import ApiKey
from shothik_payment.domain.model.key_usage import Granularity, LastUse, Slot, UsageCount
from shothik_payment.domain.model.time import DAY, HOUR, Millis
from shothik_payment.domain.ports.api_keys import AuditEntry, KeyChange
from shothik_payment.domain.ports.key_usage import UsageBatch
from tests.contracts.bindings import Stores
from tests.contracts.book import NOW

DEDUCT, BALANCE = "POST /deduct", "GET /balance/{userId}"
MIDNIGHT = Millis(NOW - NOW % DAY)
NOON = Millis(MIDNIGHT + 12 * HOUR)
ALWAYS = (Millis(0), Millis(NOW + 10 * DAY))


def slot(
    key_id: str = "key_1", hour: int = MIDNIGHT, endpoint: str = DEDUCT, status: int = 200
) -> Slot:
    return key_id, Millis(hour), endpoint, status


def batch(
    counts: Mapping[Slot, int],
    last: Mapping[str, LastUse] | None = None,
    refused: Sequence[AuditEntry] = (),
    *,
    recorder: str = "r1",
    number: int = 1,
    at: Millis = NOW,
) -> UsageBatch:
    return UsageBatch(recorder, number, at, counts, last or {}, refused)


def refused(key_id: str, count: int, address: str | None = "10.0.0.1") -> AuditEntry:
    changes = {"reason": "revoked", "count": str(count)}
    return AuditEntry(key_id, NOW, "service", "refused", changes, address)


async def add_key(stores: Stores, key_id: str) -> None:
    digest = key_id.encode().ljust(32)
    key = ApiKey(key_id, "paraphrase_service", "a key", digest, "sk_paraphrase_", "abcd", NOW)
    await stores.ours.api_keys.commit(KeyChange([key]))


async def audited(stores: Stores, key_id: str) -> list[AuditEntry]:
    """Without the store's own numbers."""
    found = await stores.theirs.api_keys.audit(key_id, 1_000)
    assert [entry.number for entry in found] == sorted({e.number for e in found}, reverse=True)
    return [replace(entry, number=0) for entry in found]


async def read(
    stores: Stores,
    key_id: str = "key_1",
    granularity: Granularity = Granularity.DAY,
    since: Millis = ALWAYS[0],
    until: Millis = ALWAYS[1],
) -> list[UsageCount]:
    found = await stores.theirs.key_usage.read(key_id, since, until, granularity)
    return sorted(found, key=lambda count: (count.start, count.endpoint, count.status))


async def test_counts_are_added_up(stores: Stores) -> None:
    assert await read(stores) == []
    await stores.ours.key_usage.add(batch({slot(): 2, slot(status=402): 1, slot("key_2"): 7}))
    await stores.ours.key_usage.add(batch({slot(): 3, slot(endpoint=BALANCE): 1}, number=2))
    assert await read(stores) == [
        UsageCount(MIDNIGHT, BALANCE, 200, 1),
        UsageCount(MIDNIGHT, DEDUCT, 200, 5),
        UsageCount(MIDNIGHT, DEDUCT, 402, 1),
    ]
    assert await read(stores, "key_2") == [UsageCount(MIDNIGHT, DEDUCT, 200, 7)]
    assert await read(stores, "key") == []


async def test_hours_are_told_apart_and_make_days(stores: Stores) -> None:
    before = Millis(MIDNIGHT - HOUR)
    counts = {slot(hour=hour): n for n, hour in enumerate((before, MIDNIGHT, NOON), 1)}
    await stores.ours.key_usage.add(batch(counts))
    assert await read(stores, granularity=Granularity.HOUR) == [
        UsageCount(hour, DEDUCT, 200, n) for n, hour in enumerate((before, MIDNIGHT, NOON), 1)
    ]
    yesterday = Millis(MIDNIGHT - DAY)
    assert await read(stores) == [
        UsageCount(yesterday, DEDUCT, 200, 1),
        UsageCount(MIDNIGHT, DEDUCT, 200, 5),
    ]
    today = await read(stores, since=MIDNIGHT, until=NOON)
    assert today == [UsageCount(MIDNIGHT, DEDUCT, 200, 2)]


async def test_a_batch_that_is_sent_again_counts_once(stores: Stores) -> None:
    """Its answer was lost, so nobody knows whether it was stored."""
    await add_key(stores, "key_1")
    first = batch({slot(): 5}, {"key_1": LastUse(NOW, None)}, [refused("key_1", 1)])
    for _ in range(3):
        await stores.ours.key_usage.add(first)
    await stores.ours.key_usage.add(batch({slot(): 1}, number=2))
    await stores.theirs.key_usage.add(first)
    assert await read(stores) == [UsageCount(MIDNIGHT, DEDUCT, 200, 6)]
    assert await audited(stores, "key_1") == [refused("key_1", 1)]


async def test_refused_uses_are_in_the_audit_log_of_their_key(stores: Stores) -> None:
    for key_id in ("key_1", "key_2"):
        await add_key(stores, key_id)
    told = [refused("key_1", 1), refused("key_2", 2, None), refused("key_1", 3, "2001:db8::1")]
    await stores.ours.key_usage.add(batch({slot(): 6}, refused=told))
    later = [refused("key_1", n, f"10.0.0.{n}") for n in range(4, 100)]
    await stores.theirs.key_usage.add(batch({slot(): 1}, refused=later, recorder="r2"))
    assert await audited(stores, "key_1") == [*reversed(later), told[2], told[0]]
    assert await audited(stores, "key_2") == [told[1]]
    key = await stores.ours.api_keys.get("key_1")
    assert key is not None
    # It is the same key, so whoever changes it at that time is not refused.
    await stores.ours.api_keys.commit(KeyChange(changed=[key], entries=[refused("key_1", 0)]))
    assert (await audited(stores, "key_1"))[0] == refused("key_1", 0)


async def test_two_processes_count_together(stores: Stores) -> None:
    async def count(ports: Stores, ours: bool) -> None:
        usage = (ports.ours if ours else ports.theirs).key_usage
        for number in range(1, 11):
            one = batch({slot(): number}, recorder=f"r{ours}", number=number)
            await asyncio.gather(usage.add(one), usage.add(one), return_exceptions=True)
            await usage.add(one)

    await asyncio.gather(count(stores, True), count(stores, False))
    assert await read(stores) == [UsageCount(MIDNIGHT, DEDUCT, 200, 2 * 55)]


async def test_the_last_use_of_a_key_stays_the_last(stores: Stores) -> None:
    usage = stores.ours.key_usage
    late, early = LastUse(NOW, "10.0.0.1"), LastUse(Millis(NOW - 1), "10.0.0.2")
    await usage.add(batch({slot(): 1}, {"key_1": late, "key_2": early}))
    await usage.add(batch({slot(): 1}, {"key_1": early, "key_3": LastUse(NOW, None)}, number=2))
    await usage.add(batch({slot(): 1}, {"key_2": late}, recorder="r2"))
    found = await stores.theirs.key_usage.last_used(["key_1", "key_2", "key_3", "key_4"])
    assert found == {"key_1": late, "key_2": late, "key_3": LastUse(NOW, None)}
    assert await usage.last_used(["key_4"]) == {}
    assert await usage.last_used([]) == {}


async def test_a_large_batch_is_stored(stores: Stores) -> None:
    hours = range(MIDNIGHT, MIDNIGHT + DAY, HOUR)
    counts = {slot(f"key_{n}", hour): n + 1 for n in range(100) for hour in hours}
    last = {f"key_{n}": LastUse(NOW, "10.0.0.1") for n in range(100)}
    await stores.ours.key_usage.add(batch(counts, last))
    assert await read(stores, "key_99") == [UsageCount(MIDNIGHT, DEDUCT, 200, 2_400)]
    assert len(await stores.ours.key_usage.last_used(list(last))) == 100


async def test_old_counts_are_pruned(stores: Stores) -> None:
    usage = stores.ours.key_usage
    hours = [Millis(NOON + n * HOUR) for n in range(5)]
    for n, hour in enumerate(hours):
        recorder = f"r{n}"
        await usage.add(batch({slot(hour=hour): 1}, recorder=recorder, at=hour))
    assert await usage.prune(hours[0], 10) == 0
    assert await usage.prune(hours[3], 2) == 2
    assert await usage.prune(hours[3], 2) == 1
    left = await read(stores, granularity=Granularity.HOUR)
    assert [count.start for count in left] == hours[3:]
    # A recorder that is still heard of is remembered.
    await usage.add(batch({slot(hour=hours[4]): 1}, recorder="r4"))
    assert await read(stores, granularity=Granularity.HOUR) == left
