"""Sharing work, on documents in memory and clocks that the test moves."""

from __future__ import annotations

import asyncio
import random

import pytest

from shothik_payment.adapters.memory.documents import MemoryDocuments
from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.use_cases.work_group import WorkGroup

TASKS = [f"task {n}" for n in range(16)]
TTL = 10.0


class Processes:
    """Members of one group. Their clocks start anywhere, and differ by hours."""

    def __init__(self) -> None:
        self.state = MemoryState()
        self.seconds = 0.0
        self.members: dict[str, WorkGroup] = {}

    def join(self, name: str) -> WorkGroup:
        offset = random.Random(name).uniform(0, 1e6)
        documents = MemoryDocuments(self.state, "workers")
        group = WorkGroup(documents, name, TASKS, lambda: self.seconds + offset, TTL)
        self.members[name] = group
        return group

    async def pass_seconds(self, seconds: int, *, without: str = "") -> None:
        for _ in range(seconds):
            self.seconds += 1
            for name, group in self.members.items():
                if name != without:
                    await group.beat()

    def owners(self, task: str) -> list[str]:
        return [name for name, group in self.members.items() if task in group.owned()]

    def assert_shared_fairly(self) -> None:
        assert all(len(self.owners(task)) == 1 for task in TASKS)
        fair = -(-len(TASKS) // len(self.members))
        assert all(len(group.owned()) <= fair for group in self.members.values())


@pytest.fixture
def processes() -> Processes:
    return Processes()


async def test_one_process_has_it_all_at_once(processes: Processes) -> None:
    alone = processes.join("a")
    assert alone.owned() == frozenset()
    await alone.beat()
    assert alone.owned() == frozenset(TASKS)


@pytest.mark.parametrize("count", [2, 3, 5, 16])
async def test_work_is_shared_fairly_soon_after_a_process_joins(
    processes: Processes, count: int
) -> None:
    for number in range(count):
        processes.join(f"m{number}")
        await processes.pass_seconds(3)
        processes.assert_shared_fairly()


async def test_more_processes_than_work(processes: Processes) -> None:
    for number in range(20):
        processes.join(f"m{number}")
    await processes.pass_seconds(5)
    assert all(len(processes.owners(task)) == 1 for task in TASKS)


async def test_no_task_has_two_owners_while_a_process_joins(processes: Processes) -> None:
    first, second = processes.join("a"), processes.join("b")
    await first.beat()
    for _ in range(4):
        await second.beat()
        assert not first.owned() & second.owned()
        await first.beat()
        assert not first.owned() & second.owned()
    processes.assert_shared_fairly()


async def test_who_leaves_hands_over_at_once(processes: Processes) -> None:
    first, second = processes.join("a"), processes.join("b")
    await processes.pass_seconds(3)
    await first.leave()
    assert first.owned() == frozenset()
    await second.beat()
    assert second.owned() == frozenset(TASKS)
    await first.beat()
    assert first.owned() == frozenset()


async def test_who_is_killed_is_replaced_after_its_time(processes: Processes) -> None:
    processes.join("a")
    survivor = processes.join("b")
    await processes.pass_seconds(3)
    await processes.pass_seconds(round(TTL), without="a")
    assert len(survivor.owned()) == len(TASKS) // 2
    await processes.pass_seconds(2, without="a")
    assert survivor.owned() == frozenset(TASKS)


async def test_who_stood_still_gives_up_before_others_take_over(processes: Processes) -> None:
    sleeper, survivor = processes.join("a"), processes.join("b")
    await processes.pass_seconds(3)
    for _ in range(round(TTL) + 3):
        await processes.pass_seconds(1, without="a")
        assert not sleeper.owned() & survivor.owned()
    assert sleeper.owned() == frozenset()
    await processes.pass_seconds(3)
    processes.assert_shared_fairly()


async def test_no_work_is_given_away_in_the_middle_of_a_step(processes: Processes) -> None:
    worker, other = processes.join("a"), processes.join("b")
    await worker.beat()
    await other.beat()
    async with worker.working():
        beat = asyncio.create_task(worker.beat())
        for _ in range(10):
            await asyncio.sleep(0)
        assert worker.owned() == frozenset(TASKS)
        assert not beat.done()
    await beat
    assert len(worker.owned()) == len(TASKS) // 2


async def test_a_long_step_of_who_has_too_much_is_not_taken_for_death(processes: Processes) -> None:
    worker = processes.join("a")
    await worker.beat()
    worker.beat_seconds = 0.001
    processes.join("b")
    async with worker.working():
        for _ in range(round(TTL) * 3):
            await processes.pass_seconds(1)
            assert worker.owned() == frozenset(TASKS)
            assert all(processes.owners(task) == ["a"] for task in TASKS)
    await processes.pass_seconds(1)
    assert len(worker.owned()) == len(TASKS) // 2
    await processes.pass_seconds(1)
    processes.assert_shared_fairly()


async def test_steps_without_a_pause_keep_no_work_from_the_others(processes: Processes) -> None:
    worker, other = processes.join("a"), processes.join("b")
    await worker.beat()
    await other.beat()

    async def work() -> None:
        while True:
            async with worker.working():
                await asyncio.sleep(0)

    working = asyncio.create_task(work())
    await asyncio.sleep(0)
    await worker.beat()
    working.cancel()
    assert len(worker.owned()) == len(TASKS) // 2


async def test_members_that_beat_at_once_all_get_through(processes: Processes) -> None:
    groups = [processes.join(f"m{n}") for n in range(8)]
    for _ in range(4):
        await asyncio.gather(*(group.beat() for group in groups))
    processes.assert_shared_fairly()


async def test_a_store_that_never_lets_it_through_is_told(processes: Processes) -> None:
    class Contended(MemoryDocuments):
        async def replace(self, document_id: str, old: bytes | None, new: bytes) -> bool:
            return False

    group = WorkGroup(Contended(processes.state, "workers"), "a", TASKS, lambda: 0.0)
    with pytest.raises(Unavailable):
        await group.beat()
    assert group.owned() == frozenset()
