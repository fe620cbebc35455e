"""The batching writer, one behaviour a test, on a store that the test opens and closes."""

from __future__ import annotations

import asyncio
import logging

import pytest

from shothik_payment.domain.errors import (
    IdempotencyKeyReused,
    InsufficientCredits,
    StoreCorrupt,
    Unavailable,
)
from shothik_payment.domain.ledger import commands as c
from shothik_payment.domain.ledger.writer import WriterLimits
from shothik_payment.domain.ports.ledger_store import ChangeSet, Needs
from tests.support.world import key
from tests.support.writer_bench import Bench


async def test_an_answer_comes_only_when_it_is_stored(bench: Bench) -> None:
    first = await bench.busy()
    await asyncio.sleep(0)
    assert not first.done()
    bench.store.gate.set()
    assert (await first).transaction in bench.store.state.user("busy").rows


async def test_commands_of_one_user_keep_their_order(bench: Bench) -> None:
    answers = [bench.grant(1), bench.deduct(1), bench.grant(2), bench.deduct(2)]
    await asyncio.gather(*answers)
    assert [r.amount for r in bench.store.state.user("u1").rows] == [1, 1, 2, 2]


async def test_a_refusal_is_raised_and_nothing_is_committed(bench: Bench) -> None:
    with pytest.raises(InsufficientCredits):
        await bench.deduct(1)
    assert bench.store.commits == []
    assert bench.wakes == 0


async def test_one_poor_wallet_fails_alone(bench: Bench) -> None:
    await bench.busy()
    poor, rich = bench.deduct(5, "poor"), bench.grant(5, "rich")
    bench.store.gate.set()
    await rich
    with pytest.raises(InsufficientCredits):
        await poor


async def test_a_repeat_in_the_same_batch_gets_the_same_row(bench: Bench) -> None:
    await bench.grant(10)
    await bench.busy()
    answers = [bench.deduct(4, request=key("r1")) for _ in range(5)]
    bench.store.gate.set()
    outcomes = await asyncio.gather(*answers)
    assert len({o.transaction.id for o in outcomes if o.transaction}) == 1
    assert bench.store.state.user("u1").wallet.available == 6


async def test_a_known_key_is_answered_whatever_its_command_asks_for_now(bench: Bench) -> None:
    """The rate card may have changed meanwhile. Who is new pays nothing for it: no read."""
    await bench.grant(10)
    reads = len(bench.store.loads)
    first = await bench.deduct(4, request=key("r1"))
    assert (len(bench.store.loads), len(bench.store.commits)) == (reads, 2)
    for amount in (4, 1, 1000):
        again = await bench.deduct(amount, request=key("r1"))
        assert (again.transaction, again.replayed) == (first.transaction, True)
    with pytest.raises(IdempotencyKeyReused):
        await bench.deduct(4, request=key("r1", b"another body"))
    assert bench.store.state.user("u1").wallet.available == 6


async def test_a_command_that_breaks_fails_alone(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.grant(10)
    await bench.busy()
    before, after = bench.deduct(1), None
    # A command that no handler knows breaks inside apply, after it has begun.
    broken = bench.submit(c.Command)
    after, neighbour = bench.deduct(2), bench.grant(3, "u2")
    bench.store.gate.set()
    with caplog.at_level(logging.CRITICAL), pytest.raises(KeyError):
        await broken
    assert (await before).transaction is not None
    assert (await after).transaction is not None
    await neighbour
    assert [row.amount for row in bench.store.state.user("u1").rows] == [10, 1, 2]


async def test_a_user_who_cannot_be_read_fails_alone(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.store.unreadable = {"u2"}
    answers = [bench.grant(n, f"u{n}") for n in (1, 2, 3)]
    with caplog.at_level(logging.CRITICAL), pytest.raises(StoreCorrupt):
        await answers[1]
    await asyncio.gather(answers[0], answers[2])
    assert bench.store.loads == [["u1", "u2", "u3"], ["u1"], ["u2"], ["u3"]]
    assert [len(changes) for changes in bench.store.commits] == [2]


async def test_a_change_that_cannot_be_written_fails_alone(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.busy()
    bench.store.unwritable = {"u2"}
    answers = [bench.grant(n, f"u{n}") for n in (1, 2, 3)]
    bench.store.gate.set()
    with caplog.at_level(logging.CRITICAL), pytest.raises(ValueError, match="out of range"):
        await answers[1]
    await asyncio.gather(answers[0], answers[2])
    stored = [bench.store.state.user(user).wallet.available for user in ("u1", "u2", "u3")]
    assert stored == [1, 0, 3]
    assert bench.writer.unanswered == 0


async def test_a_bug_beside_the_commands_fails_its_batch_and_the_writer_goes_on(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.bug = ValueError("a bug")
    gone, *answers = [bench.grant(1), bench.grant(1), bench.grant(1, "u2")]
    gone.cancel()
    for answer in answers:
        with caplog.at_level(logging.CRITICAL), pytest.raises(ValueError, match="a bug"):
            await answer
    assert bench.writer.unanswered == 0
    bench.bug = None
    async with asyncio.timeout(5):
        await bench.grant(1)


async def test_only_who_lost_the_race_is_replayed_from_a_fresh_read(bench: Bench) -> None:
    await bench.grant(10, "hot")
    lost = []

    def lose_once(change: ChangeSet) -> bool:
        if change.wallet.user_id != "hot" or lost:
            return False
        # Another process takes 9 of the 10 first.
        lost.append(change)
        other = bench.store.state.snapshot(Needs("hot"))
        other.wallet.version += 1
        return bench.store.state.store(ChangeSet(other.wallet, 1, *([] for _ in range(9)), False))

    bench.store.lose = lose_once
    await bench.busy()
    hot, neighbour = bench.deduct(2, "hot"), bench.grant(1, "cool")
    bench.store.gate.set()
    await neighbour
    assert not hot.done()
    await hot
    commits = [[change.wallet.user_id for change in done] for done in bench.store.commits]
    assert commits[-2:] == [["hot", "cool"], ["hot"]]
    assert bench.store.loads[-1] == ["hot"]
    assert bench.store.state.user("hot").wallet.version == 3


async def test_who_loses_every_race_is_told_to_come_again(bench: Bench) -> None:
    bench.store.lose = lambda change: True
    with pytest.raises(Unavailable, match="too busy"):
        await bench.grant(1)
    assert len(bench.store.commits) == WriterLimits().max_attempts
    assert bench.wakes == 0


@pytest.mark.parametrize("error", [Unavailable("away"), ValueError("a bug of the store")])
@pytest.mark.parametrize("where", ["fail_load", "fail_commit"])
async def test_a_failing_store_fails_the_batch_and_the_next_one_goes_on(
    bench: Bench, where: str, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    setattr(bench.store, where, error)
    answers = [bench.grant(1), bench.grant(2, "u2")]
    for answer in answers:
        with caplog.at_level(logging.CRITICAL), pytest.raises(type(error)):
            await answer
    assert bench.writer.unanswered == 0
    setattr(bench.store, where, None)
    await bench.grant(3)
    assert bench.store.state.user("u1").wallet.available == 3


async def test_a_refusal_beside_a_failed_commit_is_still_a_refusal(bench: Bench) -> None:
    await bench.busy()
    bench.store.fail_commit = Unavailable("away")
    refused, failed = bench.deduct(1, "poor"), bench.grant(1, "u2")
    bench.store.gate.set()
    with pytest.raises(InsufficientCredits):
        await refused
    with pytest.raises(Unavailable):
        await failed


async def test_a_caller_who_goes_away_changes_nothing(bench: Bench) -> None:
    await bench.busy()
    answers = [bench.grant(5), bench.grant(6)]
    answers[0].cancel()
    bench.store.gate.set()
    await answers[1]
    assert bench.store.state.user("u1").wallet.available == 11
    assert bench.writer.unanswered == 0


async def test_a_caller_who_goes_away_before_a_failure_hides_it_from_nobody(bench: Bench) -> None:
    first = await bench.busy()
    answers = [bench.grant(5), bench.grant(6)]
    answers[0].cancel()
    bench.store.fail_commit = Unavailable("away")
    bench.store.gate.set()
    for answer in (first, answers[1]):
        with pytest.raises(Unavailable):
            await answer


async def test_who_waits_for_commits_is_woken_once_a_batch(bench: Bench) -> None:
    await bench.grant(1)
    await bench.grant(1)
    assert bench.wakes == 2


async def test_a_service_with_its_first_key_just_now_hears_of_a_stop(bench: Bench) -> None:
    """The writer does not know of the key yet: another process has made it."""
    await bench.grant(5)
    bench.active = ("paraphrase_service", "slide_service")
    bench.store.gate.set()
    await bench.deduct(5)
    told = [event.data for change in bench.store.commits[-1] for event in change.events]
    assert [data.service for data in told if data.type == "service.stop_user"] == [
        "paraphrase_service",
        "slide_service",
    ]
