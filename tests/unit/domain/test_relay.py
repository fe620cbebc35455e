"""The relay, on the memory store, with a broker that does what the test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.ports.event_log import partition_of
from shothik_payment.domain.use_cases.relay import RELAY_BATCH, RELAY_PAGE, Relay
from tests.support.relay_bench import ALL, Bench, HeldLog
from tests.support.service import running_service


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with running_service() as service:
        yield Bench(service)


async def test_it_publishes_in_order_and_once(bench: Bench) -> None:
    await bench.give("u1", "u2", "u1")
    assert not await bench.relay.run(ALL)
    assert bench.broker.told == [("u1", 1), ("u2", 1), ("u1", 2)]
    assert not await bench.relay.run(ALL)
    assert len(bench.broker.asked) == 3


async def test_it_publishes_its_own_partitions_only(bench: Bench) -> None:
    users = [f"u{n}" for n in range(40)]
    await bench.give(*users)
    mine = [0, 3, 7]
    await bench.relay.run(mine)
    assert {user for user, _ in bench.broker.told} == {u for u in users if partition_of(u) in mine}
    await bench.relay.run([p for p in ALL if p not in mine])
    assert sorted(bench.broker.told) == sorted((user, 1) for user in users)


async def test_it_goes_batch_by_batch(bench: Bench) -> None:
    await bench.give_often(RELAY_BATCH + 1)
    assert not await bench.relay.run(ALL)
    assert bench.broker.batches == [RELAY_BATCH, 1]
    assert bench.in_order_and_once() == RELAY_BATCH + 1
    assert await bench.left() == []


async def test_it_goes_page_by_page(bench: Bench) -> None:
    await bench.give_often(RELAY_PAGE + 1)
    assert await bench.relay.run(ALL)
    assert bench.in_order_and_once() == RELAY_PAGE
    assert not await bench.relay.run(ALL)
    assert bench.in_order_and_once() == RELAY_PAGE + 1


async def test_a_run_ends_in_time_and_leaves_the_rest_of_its_page(bench: Bench) -> None:
    await bench.give_often(3 * RELAY_BATCH)

    def a_second_goes_by() -> None:
        bench.seconds += 1

    bench.broker.meanwhile = a_second_goes_by
    assert await bench.relay.run(ALL)
    assert bench.broker.batches == [RELAY_BATCH]
    assert len(await bench.left()) == 2 * RELAY_BATCH


async def test_what_went_out_before_the_broker_did_is_marked(bench: Bench) -> None:
    await bench.give_often(3 * RELAY_BATCH)

    def the_broker_goes() -> None:
        bench.broker.away = len(bench.broker.batches) == 2

    bench.broker.meanwhile = the_broker_goes
    with pytest.raises(Unavailable):
        await bench.relay.run(ALL)
    assert len(await bench.left()) == RELAY_BATCH


async def test_a_batch_is_marked_beside_the_next_one_and_all_before_the_end(bench: Bench) -> None:
    log = HeldLog(bench.service.state)
    relay = Relay(log, bench.broker, bench.service.clock, lambda: 0.0)
    await bench.give_often(2 * RELAY_BATCH)
    second = asyncio.Event()

    def is_it_the_second() -> None:
        if len(bench.broker.batches) == 2:
            second.set()

    bench.broker.meanwhile = is_it_the_second
    running = asyncio.create_task(relay.run(ALL))
    await second.wait()
    assert len(await bench.left()) == 2 * RELAY_BATCH
    log.goes_on.set()
    await running
    assert await bench.left() == []


async def test_who_is_refused_in_one_batch_is_left_out_of_the_next(bench: Bench) -> None:
    await bench.give("u1", *["u2"] * RELAY_BATCH, "u1", "u2")
    bench.broker.refuses = {"u1"}

    def the_queue_takes_again() -> None:
        bench.broker.refuses = set()

    bench.broker.meanwhile = the_queue_takes_again
    await bench.relay.run(ALL)
    assert bench.broker.told == [("u2", n + 1) for n in range(RELAY_BATCH + 1)]
    bench.seconds += 1
    await bench.relay.run(ALL)
    assert bench.broker.told[-2:] == [("u1", 1), ("u1", 2)]


async def test_what_could_not_be_published_is_published_later(bench: Bench) -> None:
    await bench.give("u1")
    bench.broker.away = True
    with pytest.raises(Unavailable):
        await bench.relay.run(ALL)
    bench.broker.away = False
    await bench.relay.run(ALL)
    assert bench.broker.told == [("u1", 1)]


async def test_what_is_refused_keeps_its_user_s_order_and_holds_up_nobody_else(
    bench: Bench,
) -> None:
    await bench.give("u1", "u2", "u1", "u2")
    bench.broker.refuses = {"u1"}
    await bench.relay.run(ALL)
    await bench.give("u1", "u2")
    await bench.relay.run(ALL)
    assert bench.broker.told == [("u2", 1), ("u2", 2), ("u2", 3)]
    assert await bench.left() == [("u1", 1), ("u1", 2), ("u1", 3)]
    bench.broker.refuses = set()
    bench.seconds += 1
    await bench.relay.run(ALL)
    assert bench.broker.told[3:] == [("u1", 1), ("u1", 2), ("u1", 3)]


async def test_operators_are_told_once_a_minute_that_a_queue_refuses(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.give("u1", "u2", "u1", "u3")
    bench.broker.refuses = {"u1", "u3"}
    for _ in range(3):
        await bench.relay.run(ALL)
        bench.seconds += 1
    bench.broker.refuses = set()
    await bench.relay.run(ALL)
    bench.broker.refuses = {"u3"}
    await bench.give("u3")
    await bench.relay.run(ALL)
    bench.seconds += 60
    await bench.relay.run(ALL)
    told = [record.getMessage() for record in caplog.records]
    assert [message.partition(", and")[0] for message in told] == [
        "a queue refuses events: those of u1 from 1 on wait (credit.added)",
        "a queue refuses events: those of u3 from 2 on wait (credit.added)",
    ]


async def test_who_is_refused_again_and_again_is_asked_less_and_less(bench: Bench) -> None:
    await bench.give("u1", "u1")
    bench.broker.refuses = {"u1"}
    await bench.relay.run(ALL)
    bench.broker.asked.clear()
    for _ in range(1000):
        bench.seconds += 0.1
        await bench.relay.run(ALL)
    assert set(bench.broker.asked) == {("u1", 1)}  # never what follows the refused one
    assert 5 <= len(bench.broker.asked) <= 15


async def test_a_refused_user_of_another_relay_is_forgotten(bench: Bench) -> None:
    await bench.give("u1")
    bench.broker.refuses = {"u1"}
    await bench.relay.run(ALL)
    bench.broker.refuses = set()
    bench.seconds += 60
    await bench.relay.run([p for p in ALL if p != partition_of("u1")])
    assert bench.broker.told == []
    await bench.relay.run(ALL)
    assert bench.broker.told == [("u1", 1)]


async def test_an_event_nobody_wants_counts_as_published(bench: Bench) -> None:
    bench.broker.misses = {"credit.added"}
    await bench.give("u1")
    await bench.relay.run(ALL)
    assert await bench.left() == []
    assert (await bench.service.log.backlog()).unwanted == 0


async def test_a_stop_nobody_wants_is_told_again_and_holds_nothing_back(bench: Bench) -> None:
    await bench.service.keys.generate("paraphrase", actor="test")
    bench.broker.misses = {"service.stop_user"}
    await bench.give("u1")
    await bench.use_up("u1")
    await bench.relay.run(ALL)
    await bench.give("u1")
    await bench.relay.run(ALL)
    assert await bench.left() == []
    assert [sequence for _, sequence in bench.broker.told] == [1, 2, 3, 5, 6, 7]
    assert (await bench.service.log.backlog()).unwanted == 1
    bench.broker.misses = set()
    assert await bench.relay.tell_unwanted(ALL) == 1
    assert bench.broker.told[-1] == ("u1", 4)
    assert (await bench.service.log.backlog()).unwanted == 0
    assert await bench.relay.tell_unwanted(ALL) == 0


PARAPHRASE_STOP = "service.paraphrase_service.stop_user"
SLIDE_STOP = "service.slide_service.stop_user"


async def many_unwanted_stops(bench: Bench) -> list[str]:
    """More than a batch of users are stopped for paraphrase, which has no queue."""
    users = [f"u{n}" for n in range(RELAY_BATCH + 100)]
    await bench.service.keys.generate("paraphrase", actor="test")
    bench.broker.misses = {PARAPHRASE_STOP}
    await bench.give(*users)
    for user in users:
        await bench.use_up(user)
    while await bench.relay.run(ALL):
        pass
    assert (await bench.service.log.backlog()).unwanted == len(users)
    bench.broker.told.clear()
    return users


async def test_what_never_finds_a_queue_holds_up_no_other_service(bench: Bench) -> None:
    users = await many_unwanted_stops(bench)
    await bench.service.keys.generate("slide", actor="test")
    await bench.service.active.refresh()
    bench.broker.misses = {PARAPHRASE_STOP, SLIDE_STOP}
    await bench.give("last")
    await bench.use_up("last")
    await bench.relay.run(ALL)
    assert (await bench.service.log.backlog()).unwanted == len(users) + 2
    bench.broker.misses = {PARAPHRASE_STOP}
    assert sum([await bench.relay.tell_unwanted(ALL) for _ in range(2)]) == 1
    assert [user for user, _ in bench.broker.told][-1] == "last"
    for _ in range(4):
        assert await bench.relay.tell_unwanted(ALL) == 0
    bench.broker.misses = set()
    assert [await bench.relay.tell_unwanted(ALL) for _ in range(3)] == [RELAY_BATCH, 101, 0]


async def test_a_queue_that_comes_meanwhile_has_the_oldest_events_first(bench: Bench) -> None:
    users = await many_unwanted_stops(bench)
    assert await bench.relay.tell_unwanted(ALL) == 0
    bench.broker.misses = set()
    assert await bench.relay.tell_unwanted(ALL) == 0  # the later ones wait for the first
    assert await bench.relay.tell_unwanted(ALL) == RELAY_BATCH
    assert await bench.relay.tell_unwanted(ALL) == 100
    assert [user for user, _ in bench.broker.told] == users


async def test_what_could_not_be_told_again_is_not_passed_over(bench: Bench) -> None:
    await many_unwanted_stops(bench)
    bench.broker.away = True
    with pytest.raises(Unavailable):
        await bench.relay.tell_unwanted(ALL)
    bench.broker.away, bench.broker.misses = False, set()
    assert await bench.relay.tell_unwanted(ALL) == RELAY_BATCH
