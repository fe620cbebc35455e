from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from shothik_payment.adapters.shared_reads import MAX_TOGETHER, PATIENCE_SECONDS, SharedReads
from shothik_payment.domain.errors import Unavailable


class Trips:
    """Each waits until it may arrive."""

    def __init__(self) -> None:
        self.carried: list[list[str]] = []
        self.left = asyncio.Semaphore(0)
        self.open = asyncio.Event()
        self.open.set()
        self.fails = False

    async def read(self, keys: Sequence[str]) -> list[str]:
        self.carried.append(list(keys))
        self.left.release()
        await self.open.wait()
        if self.fails:
            raise Unavailable("away")
        return [key.upper() for key in keys]


@pytest.fixture
def trips() -> Trips:
    return Trips()


async def test_what_is_asked_for_during_a_trip_shares_the_next_one(trips: Trips) -> None:
    reads = SharedReads(trips.read, at_once=1)
    trips.open.clear()
    first = reads.get("a")
    await trips.left.acquire()
    rest = [reads.get(key) for key in ("b", "c", "b")]
    trips.open.set()
    assert await asyncio.gather(first, *rest) == ["A", "B", "C", "B"]
    assert trips.carried == [["a"], ["b", "c", "b"]]


async def test_so_many_trips_are_under_way_at_once_and_each_is_bounded(trips: Trips) -> None:
    reads = SharedReads(trips.read, at_once=2)
    trips.open.clear()
    answers = [reads.get("a")]
    await trips.left.acquire()
    answers.append(reads.get("b"))
    await trips.left.acquire()
    answers += [reads.get("c") for _ in range(MAX_TOGETHER + 1)]
    trips.open.set()
    await asyncio.gather(*answers)
    assert [len(keys) for keys in trips.carried] == [1, 1, MAX_TOGETHER, 1]


async def test_a_trip_that_fails_fails_for_those_on_it_alone(trips: Trips) -> None:
    reads = SharedReads(trips.read, at_once=1)
    trips.fails = True
    lost = await asyncio.gather(reads.get("a"), reads.get("b"), return_exceptions=True)
    assert [type(error) for error in lost] == [Unavailable, Unavailable]
    trips.fails = False
    assert await reads.get("c") == "C"


async def test_a_trip_that_brings_too_little_leaves_nobody_waiting() -> None:
    async def one_only(keys: Sequence[str]) -> list[str]:
        return list(keys[:1])

    reads = SharedReads(one_only, at_once=1)
    found = await asyncio.gather(reads.get("a"), reads.get("b"), return_exceptions=True)
    assert found[0] == "a"
    assert isinstance(found[1], ValueError)


async def test_who_waits_for_too_long_while_the_store_is_away_is_refused(trips: Trips) -> None:
    now = 0.0
    reads = SharedReads(trips.read, at_once=1, clock=lambda: now)
    trips.open.clear()
    begun = reads.get("a")
    await trips.left.acquire()
    late = reads.get("b")
    now = 1.0
    waits = reads.get("c")
    now = PATIENCE_SECONDS + 0.5
    trips.open.set()
    assert await begun == "A"
    with pytest.raises(Unavailable):
        await late
    assert await waits == "C"
    assert trips.carried == [["a"], ["c"]]


async def test_who_goes_away_is_not_read_for_and_leaves_nobody_waiting(trips: Trips) -> None:
    reads = SharedReads(trips.read, at_once=1)
    trips.open.clear()
    gone = reads.get("a")
    await trips.left.acquire()
    never_read, stays = reads.get("b"), reads.get("c")
    gone.cancel()
    never_read.cancel()
    trips.open.set()
    assert await stays == "C"
    assert trips.carried == [["a"], ["c"]]
    assert await reads.get("d") == "D"


async def test_what_is_asked_for_in_the_moment_a_trip_ends_is_read(trips: Trips) -> None:
    reads = SharedReads(trips.read, at_once=1)
    answered: list[str] = []

    async def ask(times: int) -> None:
        for n in range(times):
            answered.append(await reads.get(f"k{n}"))

    async with asyncio.timeout(10):
        await asyncio.gather(ask(50), ask(50))
    assert len(answered) == 100
