"""What the writer puts into a batch, what waits meanwhile, and how it ends."""

from __future__ import annotations

import asyncio

import pytest

from shothik_payment.domain.errors import InsufficientCredits, Unavailable
from shothik_payment.domain.ledger.batch import DOUBTFUL_BATCHES
from shothik_payment.domain.ports.ledger_store import ChangeSet
from tests.support.writer_bench import Bench


async def test_what_queues_up_during_a_commit_goes_in_the_next_one(bench: Bench) -> None:
    await bench.grant(100)
    await bench.busy()
    answers = [bench.deduct(1) for _ in range(50)]
    bench.store.gate.set()
    await asyncio.gather(*answers)
    (change,) = bench.store.commits[-1]
    assert len(change.transactions) == 50
    assert bench.store.state.user("u1").wallet.version == 2


async def test_overload_is_refused_at_the_door() -> None:
    bench = Bench(max_queue=3)
    bench.writer.start()
    first = await bench.busy()
    answers = [bench.grant(1), bench.grant(1)]
    assert bench.writer.full()
    with pytest.raises(Unavailable, match="full"):
        bench.grant(1)
    assert bench.writer.unanswered == 3
    bench.store.gate.set()
    await asyncio.gather(first, *answers)
    assert not bench.writer.full()
    await bench.grant(1)
    await bench.writer.stop()


async def test_a_batch_is_bounded() -> None:
    bench = Bench(max_batch=4)
    bench.writer.start()
    await bench.busy()
    answers = [bench.grant(1) for _ in range(10)]
    bench.store.gate.set()
    await asyncio.gather(*answers)
    sizes = [sum(len(change.transactions) for change in commit) for commit in bench.store.commits]
    assert sizes == [1, 4, 4, 2]
    await bench.writer.stop()


async def test_a_second_batch_goes_beside_a_commit_once_it_is_as_large(bench: Bench) -> None:
    answers = [await bench.busy(3)]
    bench.store.entered.clear()
    answers += [bench.grant(1), bench.grant(1, "u2")]
    for _ in range(10):
        await asyncio.sleep(0)
    assert not bench.store.entered.is_set()
    answers.append(bench.grant(1, "u3"))
    await bench.store.entered.wait()
    bench.store.entered.clear()
    answers += [bench.grant(1, f"v{n}") for n in range(20)]
    for _ in range(10):
        await asyncio.sleep(0)
    assert not bench.store.entered.is_set()  # two are in flight
    bench.store.gate.set()
    await asyncio.gather(*answers)
    sizes = [sum(len(change.transactions) for change in commit) for commit in bench.store.commits]
    assert sizes == [3, 3, 20]


async def test_what_is_left_of_a_full_batch_does_not_go_beside_it_alone() -> None:
    """It would be a commit of its own for less than it costs."""
    bench = Bench(max_batch=4)
    bench.store.gate.clear()
    answers = [bench.grant(1, f"v{n}") for n in range(6)]
    bench.writer.start()
    for _ in range(10):
        await asyncio.sleep(0)
    assert [len(users) for users in bench.store.loads] == [4]
    bench.store.gate.set()
    await asyncio.gather(*answers)
    assert [len(users) for users in bench.store.loads] == [4, 2]
    await bench.writer.stop()


async def test_nobody_starves_beside_a_user_who_never_pauses() -> None:
    bench = Bench(max_batch=4)
    bench.writer.start()
    stream = [bench.grant(1, "hot") for _ in range(8)]
    quiet = [bench.grant(1, f"v{n}") for n in range(3)]
    hot = 0
    while not all(answer.done() for answer in quiet):
        stream += [bench.grant(1, "hot") for _ in range(6)]
        hot = len(bench.store.commits)
        assert hot <= 6
        await asyncio.sleep(0)
    await asyncio.gather(*stream, *quiet)
    await bench.writer.stop()
    rows = bench.store.state.user("hot").rows
    assert [row.at for row in rows] == sorted(row.at for row in rows)
    assert len(rows) == len(stream)


async def test_a_user_s_next_command_waits_until_the_last_is_stored(bench: Bench) -> None:
    """Beside it, it would build on a wallet that may never come to be."""
    await bench.grant(10, "hot")
    bench.store.gate.clear()
    bench.store.entered.clear()
    first = bench.deduct(4, "hot")
    await bench.store.entered.wait()
    bench.store.entered.clear()
    refused, second, neighbour = (
        bench.deduct(7, "hot"), bench.deduct(6, "hot"), bench.grant(1, "u2"))  # fmt: skip
    await bench.store.entered.wait()
    bench.store.gate.set()
    with pytest.raises(InsufficientCredits):
        await refused
    await asyncio.gather(first, second, neighbour)
    assert [[c.wallet.user_id for c in done] for done in bench.store.commits[1:]] == [
        ["hot"],
        ["u2"],
        ["hot"],
    ]


async def test_stopping_answers_what_was_admitted_and_admits_nothing_more() -> None:
    bench = Bench()
    bench.writer.start()
    lost: list[ChangeSet] = []
    bench.store.lose = lambda change: not lost and not lost.append(change)
    first = await bench.busy()
    second = bench.grant(2)
    stopping = asyncio.ensure_future(bench.writer.stop())
    await asyncio.sleep(0)
    assert bench.writer.full()
    with pytest.raises(Unavailable, match="stopping"):
        bench.grant(1)
    assert not stopping.done()
    bench.store.gate.set()
    await stopping
    # The one that had lost its race was replayed before the end.
    assert first.done()
    assert second.done()
    assert bench.store.state.user("busy").wallet.available == 1
    assert bench.writer.unanswered == 0


async def test_stopping_answers_those_who_wait_for_their_own_last_command(bench: Bench) -> None:
    first = await bench.busy(2)
    parked = [bench.grant(1, "busy") for _ in range(3)]
    other = bench.grant(1, "u2")
    for _ in range(10):
        await asyncio.sleep(0)
    stopping = asyncio.ensure_future(bench.writer.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    bench.store.gate.set()
    async with asyncio.timeout(5):
        await stopping
    assert all(answer.done() for answer in (first, *parked, other))
    assert bench.store.state.user("busy").wallet.available == 5


async def test_a_writer_without_work_stops_at_once() -> None:
    bench = Bench()
    await bench.writer.stop()
    bench = Bench()
    bench.writer.start()
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await bench.writer.stop()


async def test_after_a_lost_race_wallets_are_read_for_a_while(bench: Bench) -> None:
    """One stale wallet can cost the commit of its whole batch."""
    await bench.grant(1_000)
    await bench.deduct(1)
    read = len(bench.store.loads)
    await bench.deduct(1)
    assert len(bench.store.loads) == read
    lost: list[ChangeSet] = []
    bench.store.lose = lambda change: not lost and not lost.append(change)
    await bench.deduct(1)
    assert len(bench.store.loads) == read + 1  # its replay
    for _ in range(DOUBTFUL_BATCHES + 3):
        await bench.deduct(1)
    assert len(bench.store.loads) - read == DOUBTFUL_BATCHES
    read = len(bench.store.loads)
    await bench.deduct(1)
    assert len(bench.store.loads) == read
