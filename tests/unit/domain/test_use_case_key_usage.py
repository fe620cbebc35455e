"""Counting what keys are used for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from shothik_payment.adapters.memory import MemoryKeyUsage, MemoryState
from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.model.key_usage import KeyUse, LastUse
from shothik_payment.domain.model.time import HOUR, MINUTE, SECOND, Millis
from shothik_payment.domain.ports.api_keys import AuditEntry
from shothik_payment.domain.ports.key_usage import UsageBatch
from shothik_payment.domain.use_cases import key_usage, refused_uses
from shothik_payment.domain.use_cases.key_usage import UsageRecorder
from tests.support.service import CountedIds, HeldClock

DEDUCT, BALANCE = "POST /deduct", "GET /balance/{userId}"
MIDNIGHT = Millis(1_700_006_400_000)
USE = KeyUse("key_1", "10.0.0.1")


class LosesAnswers(MemoryKeyUsage):
    """`fails`: before (False) or after (True) storing, for as many batches."""

    def __init__(self, state: MemoryState) -> None:
        super().__init__(state)
        self.fails: list[bool] = []
        self.batches: list[UsageBatch] = []

    async def add(self, batch: UsageBatch) -> None:
        self.batches.append(batch)
        stored = self.fails.pop(0) if self.fails else None
        if stored is not False:
            await super().add(batch)
        if stored is not None:
            raise Unavailable("The store is away.")


class Counting:
    def __init__(self) -> None:
        self.clock = HeldClock()
        self.clock.time = Millis(MIDNIGHT - 1)
        self.state = MemoryState()
        self.usage = LosesAnswers(self.state)
        self.recorder = UsageRecorder(self.usage, self.clock, CountedIds())

    def stored(self) -> int:
        return sum(self.state.key_usage.values())


@pytest.fixture
def counting() -> Counting:
    return Counting()


async def test_each_answer_is_counted_where_and_when_it_was_given(counting: Counting) -> None:
    recorder = counting.recorder
    recorder.count(USE, DEDUCT, 200)
    recorder.count(USE, DEDUCT, 402)
    recorder.count(USE, DEDUCT, 200)
    counting.clock.advance(1)
    recorder.count(USE, BALANCE, 200)
    recorder.count(KeyUse("key_2"), DEDUCT, 200)
    assert counting.stored() == 0
    await recorder.flush()
    before = MIDNIGHT - HOUR
    assert counting.state.key_usage == {
        ("key_1", before, DEDUCT, 200): 2,
        ("key_1", before, DEDUCT, 402): 1,
        ("key_1", MIDNIGHT, BALANCE, 200): 1,
        ("key_2", MIDNIGHT, DEDUCT, 200): 1,
    }
    assert counting.state.key_last_use == {
        "key_1": LastUse(MIDNIGHT, "10.0.0.1"),
        "key_2": LastUse(MIDNIGHT, None),
    }
    assert counting.state.api_key_audit == []


async def test_nothing_counted_is_nothing_written(counting: Counting) -> None:
    await counting.recorder.flush()
    counting.recorder.count(USE, DEDUCT, 200)
    await counting.recorder.flush()
    await counting.recorder.flush()
    assert len(counting.usage.batches) == 1


@pytest.mark.parametrize("stored", [False, True])
async def test_a_batch_that_failed_is_sent_again_as_it_was(
    counting: Counting, stored: bool
) -> None:
    counting.usage.fails = [stored, stored]
    counting.recorder.count(USE, DEDUCT, 200)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await counting.recorder.flush()
        counting.recorder.count(USE, DEDUCT, 200)
    assert counting.recorder.waiting() == 3
    await counting.recorder.flush()
    assert counting.stored() == 3
    assert counting.recorder.waiting() == 0
    assert [batch.number for batch in counting.usage.batches] == [1, 1, 1, 2]


async def test_flushes_at_once_take_turns(counting: Counting) -> None:
    counting.recorder.count(USE, DEDUCT, 200)
    await asyncio.gather(*(counting.recorder.flush() for _ in range(5)))
    assert counting.stored() == 1


async def test_a_crowd_is_stored_before_its_time_and_loses_nothing(counting: Counting) -> None:
    recorder = counting.recorder
    for n in range(key_usage.CROWDED):
        recorder.count(KeyUse(f"key_{n}"), DEDUCT, 200)
    assert not recorder.crowded.is_set()
    recorder.count(KeyUse("key_0"), DEDUCT, 200)
    assert not recorder.crowded.is_set()
    recorder.count(KeyUse("key_0"), BALANCE, 200)
    assert recorder.crowded.is_set()
    await recorder.flush()
    assert not recorder.crowded.is_set()
    assert counting.stored() == key_usage.CROWDED + 2


async def test_what_has_no_room_is_told_as_lost(counting: Counting) -> None:
    recorder = counting.recorder
    for n in range(key_usage.FULL + 3):
        recorder.count(KeyUse(f"key_{n}"), DEDUCT, 200)
    recorder.count(KeyUse("key_0"), DEDUCT, 200)
    assert (recorder.lost, recorder.waiting()) == (3, key_usage.FULL + 1)


async def test_refused_uses_are_added_up_by_key_reason_and_address(counting: Counting) -> None:
    recorder = counting.recorder
    revoked = KeyUse("key_1", "10.0.0.1", "revoked")
    for _ in range(3):
        recorder.count(revoked, DEDUCT, 401)
    counting.clock.advance(SECOND)
    recorder.count(revoked._replace(address="10.0.0.2"), DEDUCT, 401)
    recorder.count(KeyUse("key_2", None, "scope"), DEDUCT, 403)
    recorder.count(KeyUse("key_2", None, "scope"), BALANCE, 403)
    await recorder.flush()
    told = [(e.key_id, e.at, e.ip, e.changes) for e in counting.state.api_key_audit]
    later = Millis(MIDNIGHT - 1 + SECOND)
    assert told == [
        ("key_1", MIDNIGHT - 1, "10.0.0.1", _told("revoked", 3, DEDUCT)),
        ("key_1", later, "10.0.0.2", _told("revoked", 1, DEDUCT)),
        ("key_2", later, None, _told("scope", 2, None)),
    ]
    assert {(e.actor, e.action) for e in counting.state.api_key_audit} == {("service", "refused")}
    assert counting.stored() == 6


def _told(reason: str, count: int, endpoint: str | None) -> dict[str, str]:
    told = {"reason": reason, "count": str(count)}
    return told if endpoint is None else {**told, "endpoint": endpoint}


async def test_refused_uses_that_go_on_are_told_now_and_then(counting: Counting) -> None:
    recorder, revoked = counting.recorder, KeyUse("key_1", "10.0.0.1", "revoked")

    def counts() -> list[str]:
        return [entry.changes["count"] for entry in counting.state.api_key_audit]

    for _ in range(24):
        recorder.count(revoked, DEDUCT, 401)
        await recorder.flush()
        counting.clock.advance(MINUTE)
    assert counts() == ["1", "10", "10"]
    await recorder.flush(final=True)
    assert counts() == ["1", "10", "10", "3"]
    assert counting.stored() == 24


async def _refuse_for_an_hour(
    counting: Counting, from_where: Callable[[int], Sequence[str]]
) -> list[AuditEntry]:
    """At each flush, every five seconds, from other addresses."""
    sent = 0
    for n in range(720):
        for address in from_where(n):
            counting.recorder.count(KeyUse("key_1", address, "revoked"), DEDUCT, 401)
            sent += 1
        await counting.recorder.flush()
        counting.clock.advance(5 * SECOND)
    await counting.recorder.flush(final=True)
    entries = counting.state.api_key_audit
    assert sum(int(entry.changes["count"]) for entry in entries) == sent
    return entries


async def test_a_network_of_ipv6_is_one_caller(counting: Counting) -> None:
    entries = await _refuse_for_an_hour(
        counting, lambda n: [f"2001:db8::{n:x}:1", "2001:db8:0:1::1"]
    )
    assert len(entries) == 2 * 7
    assert {entry.ip for entry in entries} == {
        "2001:db8::0:1",  # at first there was one
        "2001:db8::/64",
        "2001:db8:0:1::1",
    }


async def test_nobody_floods_the_audit_log(counting: Counting) -> None:
    entries = await _refuse_for_an_hour(
        counting, lambda n: [f"10.{i}.{n // 256}.{n % 256}" for i in range(30)]
    )
    assert len(entries) <= 7 * (refused_uses.NEIGHBOURHOODS + 1)
    assert ("revoked", None) in {(entry.changes["reason"], entry.ip) for entry in entries}


async def test_a_flood_for_one_reason_does_not_hide_another(counting: Counting) -> None:
    for n in range(2 * refused_uses.NEIGHBOURHOODS):
        counting.recorder.count(KeyUse("key_1", f"10.0.0.{n}", "address"), DEDUCT, 403)
    counting.recorder.count(KeyUse("key_1", "192.0.2.1", "expired"), DEDUCT, 401)
    await counting.recorder.flush()
    assert counting.state.api_key_audit[-1].changes["reason"] == "expired"


async def test_many_keys_do_not_flood_it_either(counting: Counting) -> None:
    keys, addresses = 300, 40
    for round_ in range(2):
        for n in range(keys * addresses):
            use = KeyUse(f"key_{n % keys}", f"10.{round_}.{n // 256}.{n % 256}", "scope")
            counting.recorder.count(use, DEDUCT, 403)
        for _ in range(20):
            await counting.recorder.flush()
            counting.clock.advance(5 * SECOND)
    entries = counting.state.api_key_audit
    assert max(len(batch.refused) for batch in counting.usage.batches) <= refused_uses.A_BATCH
    assert len(entries) <= refused_uses.TOLD_APART + keys
    assert {entry.key_id for entry in entries} == {f"key_{n}" for n in range(keys)}
