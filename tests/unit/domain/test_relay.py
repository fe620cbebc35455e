"""The relay, on the memory store, with a broker that does what the test says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.ports.broker import Delivery
from shothik_payment.domain.ports.event_log import PARTITIONS, RecordedEvent, partition_of
from shothik_payment.domain.use_cases.relay import RELAY_BATCH, Relay
from tests.support.service import TestService, running_service

ALL = range(PARTITIONS)


class ScriptedBroker:
    """`refuses` and `misses` hold users whose events are refused, and types that nobody wants.
    `told` is what was taken, with user and sequence."""

    def __init__(self) -> None:
        self.away = False
        self.refuses: set[str] = set()
        self.misses: set[str] = set()
        self.told: list[tuple[str, int]] = []
        self.asked: list[tuple[str, int]] = []

    async def declare_control_queues(self, services: Sequence[str]) -> list[str]:
        return []

    async def publish(
        self, events: Sequence[RecordedEvent], queue: str | None = None
    ) -> list[Delivery]:
        if self.away:
            raise Unavailable("The broker is away.")
        return [self._deliver(event) for event in events]

    def _deliver(self, event: RecordedEvent) -> Delivery:
        self.asked.append((event.user_id, event.sequence))
        if event.user_id in self.refuses:
            return Delivery.REFUSED
        if event.type in self.misses:
            return Delivery.UNWANTED
        self.told.append((event.user_id, event.sequence))
        return Delivery.TAKEN


class Bench:
    def __init__(self, service: TestService) -> None:
        self.service = service
        self.broker = ScriptedBroker()
        self.seconds = 100.0
        self.relay = Relay(service.log, self.broker, service.clock, lambda: self.seconds)

    async def give(self, *users: str) -> None:
        for user in users:
            await self.service.admin.adjust(user, 5, "test")

    async def use_up(self, user: str) -> None:
        await self.service.spend.deduct(self.service.caller(), user, amount=5, units=None)

    async def left(self) -> list[tuple[str, int]]:
        events = await self.service.log.unpublished(ALL, 10_000)
        return [(event.user_id, event.sequence) for event in events]


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
    await bench.give(*["u1"] * (RELAY_BATCH + 1))
    assert await bench.relay.run(ALL)
    assert not await bench.relay.run(ALL)
    assert bench.broker.told == [("u1", n + 1) for n in range(RELAY_BATCH + 1)]


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
    prepared = []

    async def prepare() -> None:
        prepared.append(True)
        bench.broker.misses = set()

    assert await bench.relay.tell_unwanted(ALL, prepare) == 1
    assert bench.broker.told[-1] == ("u1", 4)
    assert (await bench.service.log.backlog()).unwanted == 0
    assert await bench.relay.tell_unwanted(ALL, prepare) == 0
    assert prepared == [True]  # nothing to tell, nothing to prepare
