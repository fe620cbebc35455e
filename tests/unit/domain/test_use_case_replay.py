"""Past events told again: as they were into one queue, as it is now to everyone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence

import pytest

from shothik_payment.adapters.memory.broker import MemoryBroker, MemoryQueue
from shothik_payment.adapters.memory.documents import MemoryDocuments
from shothik_payment.domain.errors import (
    IdempotencyKeyReused,
    InvalidRequest,
    NotFound,
    Unavailable,
)
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.model.time import DAY, MINUTE, Millis
from shothik_payment.domain.ports import event_log
from shothik_payment.domain.ports.broker import Broker, Delivery
from shothik_payment.domain.ports.event_log import RecordedEvent
from shothik_payment.domain.use_cases.replay import Replay, Replayed, Wanted
from tests.support.service import START, TestService, running_service

ALWAYS = Wanted(Millis(0), Millis(START + DAY))
PARAPHRASE, SLIDE = "paraphrase_service", "slide_service"


class RefusingBroker:
    async def declare_control_queues(self, services: Sequence[str]) -> list[str]:
        return []

    async def publish(
        self, events: Sequence[RecordedEvent], queue: str | None = None
    ) -> list[Delivery]:
        return [Delivery.REFUSED if event.user_id == "u2" else Delivery.TAKEN for event in events]


class Bench:
    def __init__(self, service: TestService) -> None:
        self.service = service
        service.active.add(PARAPHRASE)
        self.broker = MemoryBroker()
        self.replay = self.replay_with(self.broker)

    def replay_with(self, broker: Broker, **limits: int) -> Replay:
        service = self.service
        documents = MemoryDocuments(service.state, "replays")
        return Replay(
            service.log,
            broker,
            service.writer,
            documents,
            service.clock,
            service.ids,
            service.catalog,
            **limits,
        )

    async def give(self, user: str, amount: int = 5) -> None:
        await self.service.admin.adjust(user, amount, "test")

    async def use_up(self, user: str) -> None:
        await self.give(user, 1)
        await self.service.spend.deduct(self.service.caller(), user, amount=1, units=None)

    async def publish(self) -> None:
        log = self.service.log
        events = await log.unpublished(range(event_log.PARTITIONS), 10_000)
        await log.mark(events, [], self.service.clock.now())

    async def log(self) -> list[RecordedEvent]:
        return await self.service.log.read(event_log.START, 10_000)

    async def run(self, **wanted: object) -> Replayed:
        await self.publish()
        self.service.clock.advance(MINUTE)
        terms = {"since": ALWAYS.since, "until": ALWAYS.until} | wanted
        done, before = await self.replay.run(Wanted(**terms))  # type: ignore[arg-type]
        assert not before
        return done


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with running_service() as service:
        yield Bench(service)


async def taken(queue: MemoryQueue) -> list[RecordedEvent]:
    return [await queue.get() for _ in range(len(queue))]


def told(events: Sequence[RecordedEvent]) -> list[tuple[str, str, int]]:
    return [(event.user_id, event.routing_key, event.sequence) for event in events]


async def test_into_one_queue_events_go_as_they_were(bench: Bench) -> None:
    await bench.use_up("u1")
    await bench.give("u2")
    before = await bench.log()
    mine, others = (bench.broker.bind(name, "nothing") for name in ("mine", "others"))
    everything = bench.broker.bind("everything", "#")
    assert await bench.run(queue="mine") == Replayed(replayed=5)
    arrived = await taken(mine)
    assert [(e.id, e.sequence, e.data) for e in arrived] == [
        (e.id, e.sequence, e.data) for e in before
    ]
    assert (len(others), len(everything)) == (0, 0)
    assert await bench.log() == before


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("stop_user", ["service.{}.stop_user"]),
        ("resume_user", ["service.{}.resume_user"]),
        ("control", ["service.{}.stop_user", "service.{}.resume_user"]),
        ("credit.added", ["credit.added", "credit.added"]),
    ],
)
async def test_a_service_s_own_queue_gets_what_it_is_there_for(
    bench: Bench, kind: str, keys: list[str]
) -> None:
    bench.service.active.add(SLIDE)
    await bench.use_up("u1")
    await bench.give("u1")
    queue = bench.broker.bind(f"{PARAPHRASE}.{kind}", "nothing")
    await bench.run(queue=f"{PARAPHRASE}.{kind}")
    arrived = [event.routing_key for event in await taken(queue)]
    assert arrived == [key.format(PARAPHRASE) for key in keys]


@pytest.mark.parametrize(
    ("queue", "types", "error"),
    [
        (f"{PARAPHRASE}.resume_user", (), InvalidRequest),
        (f"{PARAPHRASE}.stop_user", ("credit.added",), InvalidRequest),
        (f"{SLIDE}.payment.completed", (), InvalidRequest),
        ("paraphrase.stop_user", (), NotFound),
        ("gone_service.control", (), NotFound),
    ],
)
async def test_a_queue_that_gets_nothing_is_told(
    bench: Bench, queue: str, types: Sequence[str], error: type[Exception]
) -> None:
    await bench.use_up("u1")
    with pytest.raises(error):
        await bench.run(queue=queue, types=types)


async def test_a_queue_of_ones_own_gets_everything_whatever_it_is_called(bench: Bench) -> None:
    await bench.use_up("u1")
    bench.broker.bind("audit.control", "nothing")
    assert (await bench.run(queue="audit.control")).replayed == len(await bench.log())


async def test_to_everyone_the_stops_are_told_as_they_are_now(bench: Bench) -> None:
    await bench.use_up("u1")
    await bench.use_up("u2")
    await bench.give("u2")
    before = await bench.log()
    everything = bench.broker.bind("everything", "#")
    assert await bench.run() == Replayed(replayed=len(before) - 3, retold=2)
    again = [e.id for e in before if not e.type.startswith("service.")]
    assert [e.id for e in await taken(everything)] == again
    anew = (await bench.log())[len(before) :]
    stop, resume = (f"service.{PARAPHRASE}.{what}_user" for what in ("stop", "resume"))
    assert told(anew) == [("u1", stop, 5), ("u2", resume, 8)]
    assert json.loads(anew[0].data)["causes"] == ["credits_gone"]
    assert json.loads(anew[1].data)["reason"] == "credits_gone"


async def test_a_service_that_is_active_by_now_hears_of_the_stop(bench: Bench) -> None:
    await bench.use_up("u1")
    await bench.use_up("u2")
    await bench.give("u2")
    bench.service.active.add(SLIDE)
    before = len(await bench.log())
    await bench.run()
    assert [(user, key) for user, key, _ in told((await bench.log())[before:])] == [
        ("u1", f"service.{PARAPHRASE}.stop_user"),
        ("u1", f"service.{SLIDE}.stop_user"),
        ("u2", f"service.{PARAPHRASE}.resume_user"),
    ]


async def test_only_what_was_asked_for_is_told(bench: Bench) -> None:
    for user in ("u1", "u2"):
        await bench.use_up(user)
    start = bench.service.clock.now()
    bench.service.clock.advance(MINUTE)
    await bench.give("u1")
    mine = bench.broker.bind("mine", "nothing")
    since, until = Millis(start + 1), Millis(start + 2 * MINUTE)
    await bench.run(queue="mine", since=since, until=until)
    assert [e.type for e in await taken(mine)] == [
        "credit.added",
        "usage.limit_reset",
        "service.resume_user",
    ]
    await bench.run(queue="mine", user_id="u2", types=["credit.added", "credit.deducted"])
    assert [(e.user_id, e.type) for e in await taken(mine)] == [
        ("u2", "credit.added"),
        ("u2", "credit.deducted"),
    ]
    before = len(await bench.log())
    assert await bench.run(types=["credit.added"]) == Replayed(replayed=3)
    assert len(await bench.log()) == before
    assert await bench.run(user_id="u2", types=["service.stop_user"]) == Replayed(retold=1)


async def test_a_queue_that_is_not_there_is_named(bench: Bench) -> None:
    await bench.give("u1")
    with pytest.raises(NotFound, match="no such queue"):
        await bench.run(queue="mine")


async def test_what_is_refused_is_counted_or_told(bench: Bench) -> None:
    for user in ("u1", "u2", "u1"):
        await bench.give(user)
    bench.replay = bench.replay_with(RefusingBroker())
    assert await bench.run() == Replayed(replayed=2, refused=1)
    with pytest.raises(Unavailable, match=r"The queue q refuses events; 2 were told again\."):
        await bench.run(queue="q")


async def test_a_time_that_ends_before_it_begins_is_refused(bench: Bench) -> None:
    with pytest.raises(InvalidRequest, match="to: expected a time after"):
        await bench.run(since=START, until=START)


async def test_many_events_go_page_by_page(bench: Bench) -> None:
    for number in range(7):
        await bench.use_up(f"u{number}")
    before = await bench.log()
    mine = bench.broker.bind("mine", "nothing")
    bench.replay = bench.replay_with(bench.broker, page=4, users_remembered=2)
    assert (await bench.run(queue="mine")).replayed == len(before)
    assert [e.id for e in await taken(mine)] == [e.id for e in before]
    assert (await bench.run()).retold == 7
    assert [e.user_id for e in (await bench.log())[len(before) :]] == [f"u{n}" for n in range(7)]


async def test_a_repeat_gives_what_was_done(bench: Bench) -> None:
    await bench.use_up("u1")
    request = RequestBinding("admin:a1 POST /admin/events/replay k", "k", b"one")
    done, before = await bench.replay.run(ALWAYS, request)
    assert (done, before) == (Replayed(), False)  # all of it is of this moment
    await bench.publish()
    bench.service.clock.advance(1)
    events = len(await bench.log())
    assert await bench.replay.run(ALWAYS, request) == (Replayed(), True)
    assert len(await bench.log()) == events
    with pytest.raises(IdempotencyKeyReused):
        await bench.replay.run(ALWAYS, RequestBinding(request.key, "k", b"two"))
    other = RequestBinding("admin:a2 POST /admin/events/replay k", "k", b"one")
    assert await bench.replay.run(ALWAYS, other) == (Replayed(replayed=3, retold=1), False)
    assert await bench.replay.run(ALWAYS, other) == (Replayed(replayed=3, retold=1), True)


async def test_what_failed_binds_no_key(bench: Bench) -> None:
    await bench.give("u1")
    await bench.publish()
    bench.service.clock.advance(1)
    request = RequestBinding("k", "k", b"one")
    wanted = Wanted(ALWAYS.since, ALWAYS.until, queue="mine")
    with pytest.raises(NotFound):
        await bench.replay.run(wanted, request)
    bench.broker.bind("mine", "nothing")
    assert await bench.replay.run(wanted, request) == (Replayed(replayed=1), False)


async def test_what_was_never_published_is_left_to_the_relay(bench: Bench) -> None:
    """Told here first, it would come before what precedes it."""
    await bench.give("u1")
    await bench.publish()
    await bench.give("u1")
    bench.service.clock.advance(1)
    assert await bench.replay.run(ALWAYS) == (Replayed(replayed=1), False)
