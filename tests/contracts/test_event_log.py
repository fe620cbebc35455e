from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import product

import pytest

from shothik_payment.domain.errors import InvalidRequest
from shothik_payment.domain.model.time import HOUR, MINUTE, SECOND, Millis
from shothik_payment.domain.ports.event_log import PARTITIONS, START, RecordedEvent
from tests.contracts.bindings import Stores
from tests.contracts.book import NOW, SERVICE, Book, binding, deducting, granting

ALL = range(PARTITIONS)


async def filled(book: Book) -> None:
    """Eight events: five of u1, the last two of them stops, and three of u2."""
    await book.do(granting("u1", 2))
    await book.do(granting("u2", 9), deducting("u2", 1))
    await book.do(deducting("u1", 2))
    await book.do(deducting("u2", 1))


async def test_an_event_is_recorded_as_it_goes_on_the_wire(book: Book, stores: Stores) -> None:
    await book.do(granting("u1", 10))
    row = await book.row(deducting("u1", 3, binding("r1"), {"tag": "ü"}))
    event = (await stores.ours.events.read(START, 10))[-1]
    assert (event.user_id, event.sequence, event.at) == ("u1", 2, NOW)
    assert (event.type, event.routing_key, event.event_class) == (
        "credit.deducted",
        "credit.deducted",
        "normal",
    )
    assert event.id.startswith("evt_")
    assert json.loads(event.data) == {
        "userId": "u1",
        "occurredAt": "2027-01-15T08:00:00.000Z",
        "requestId": "r1",
        "transactionId": row.id,
        "kind": "deduct",
        "amount": 3,
        "newBalance": 7,
        "previousBalance": 10,
        "service": SERVICE,
        "feature": "rewrite",
        "metadata": {"tag": "ü"},
    }


async def test_the_log_is_in_the_order_of_commits(book: Book, stores: Stores) -> None:
    await filled(book)
    events = await stores.ours.events.read(START, 100)
    assert [(e.user_id, e.sequence) for e in events] == [
        ("u1", 1),
        ("u2", 1),
        ("u2", 2),
        *(("u1", n) for n in range(2, 6)),
        ("u2", 3),
    ]
    assert len({e.position for e in events}) == len(events)
    assert [e.routing_key for e in events[4:7]] == [
        "usage.limit_exceeded",
        "service.paraphrase_service.stop_user",
        "service.slide_service.stop_user",
    ]


async def test_reading_goes_on_after_a_position(book: Book, stores: Stores) -> None:
    await filled(book)
    log = stores.ours.events
    everything = await log.read(START, 100)
    read: list[RecordedEvent] = []
    while page := await log.read(read[-1].position if read else START, 3):
        assert len(page) <= 3
        read.extend(page)
    assert read == everything
    assert await log.read(everything[-1].position, 3) == []


async def test_events_are_filtered_by_user_and_type(book: Book, stores: Stores) -> None:
    await filled(book)
    log = stores.ours.events
    own = await log.read(START, 100, "u1")
    assert [e.sequence for e in own] == [1, 2, 3, 4, 5]
    assert await log.read(own[1].position, 2, "u1") == own[2:4]
    types = ["credit.added", "usage.limit_exceeded"]
    assert [e.type for e in await log.read(START, 100, None, types)] == [
        "credit.added",
        "credit.added",
        "usage.limit_exceeded",
    ]
    assert [e.user_id for e in await log.read(START, 100, "u2", types)] == ["u2"]
    assert await log.read(START, 100, "nobody") == []
    assert await log.read(START, 1, "u1", ["service.stop_user"]) == [own[3]]


async def test_events_are_filtered_by_time(book: Book, stores: Stores) -> None:
    for seconds in range(4):
        await book.do(granting("u1", at=Millis(NOW + seconds * SECOND)))
    log = stores.ours.events
    events = await log.read(START, 100)
    since, until = Millis(NOW + SECOND), Millis(NOW + 3 * SECOND)
    assert await log.read(START, 100, since=since) == events[1:]
    assert await log.read(START, 100, until=until) == events[:3]
    assert await log.read(START, 100, "u1", ["credit.added"], since, until) == events[1:3]
    assert await log.read(events[1].position, 100, None, (), since, until) == [events[2]]
    assert await log.read(START, 100, since=since, until=since) == []


async def test_a_clock_that_is_ahead_hides_no_event_from_a_time(book: Book, stores: Stores) -> None:
    """What is committed after it stands later in the log than its own time."""
    await book.do(granting("fast", at=Millis(NOW + 20 * HOUR)))
    await book.do(granting("u1"), granting("u1"))
    log = stores.ours.events
    found = await log.read(START, 100, until=Millis(NOW + 1))
    assert [(e.user_id, e.sequence) for e in found] == [("u1", 1), ("u1", 2)]
    assert await log.read(found[0].position, 100, since=NOW, until=Millis(NOW + 1)) == found[1:]


async def test_the_latest_are_filtered_by_time(book: Book, stores: Stores) -> None:
    for minutes in range(12):
        at = Millis(NOW + minutes * MINUTE)
        await book.do(granting("u1", at=at), granting("u2", at=at))
    log = stores.ours.events
    events = await log.read(START, 100)
    since, until = Millis(NOW + 3 * MINUTE), Millis(NOW + 7 * MINUTE)
    assert await log.latest(100, since=since) == events[:5:-1]
    assert await log.latest(100, until=until) == events[13::-1]
    own = [event for event in events[6:14] if event.user_id == "u1"]
    for types in ([], ["credit.added"], ["credit.added", "credit.deducted"]):
        assert await log.latest(100, None, types, START, since, until) == events[13:5:-1]
        assert await log.latest(100, "u1", types, START, since, until) == own[::-1]
    middle = events[9].position
    assert await log.latest(2, before=middle, since=since, until=until) == events[8:6:-1]
    assert await log.latest(100, since=Millis(NOW + 12 * MINUTE)) == []
    assert await log.latest(100, until=NOW) == []
    assert await log.latest(100, since=since, until=since) == []


async def test_a_time_is_found_among_those_that_are_a_little_astray(
    book: Book, stores: Stores
) -> None:
    for second in (0, 30, 25, 50, 45, 70):
        await book.do(granting(f"u{second}", at=Millis(NOW + second * SECOND)))
    log = stores.ours.events
    since, until = Millis(NOW + 28 * SECOND), Millis(NOW + 48 * SECOND)
    assert [e.user_id for e in await log.latest(9, since=since, until=until)] == ["u45", "u30"]


RARE = ["credit.added", "service.stop_user", "usage.limit_exceeded"]
TYPES = [[], RARE, RARE[:1], RARE[1:], [*RARE, "credit.deducted"], ["payment.failed"], RARE * 2]


async def paged(
    read: Callable[[str], Awaitable[list[RecordedEvent]]], limit: int
) -> list[RecordedEvent]:
    """What is read on from one page to the next."""
    found: list[RecordedEvent] = []
    while page := await read(found[-1].position if found else START):
        assert len(page) <= limit
        found += page
    return found


@pytest.mark.parametrize("limit", [2, 100])
async def test_events_are_read_forwards_and_backwards(
    book: Book, stores: Stores, limit: int
) -> None:
    await filled(book)
    log = stores.theirs.events
    everything = await log.read(START, 100)
    middle = everything[3].position
    for types, user in product(TYPES, [None, "u1", "nobody"]):
        wanted = [
            event
            for event in everything
            if user in (None, event.user_id) and (not types or event.type in types)
        ]
        forwards = await paged(partial(log.read, limit=limit, user_id=user, types=types), limit)
        assert forwards == wanted
        backwards = await paged(
            lambda before, u=user, t=types: log.latest(limit, u, t, before), limit
        )
        assert backwards == wanted[::-1]
        early = [event for event in wanted if event in everything[:3]]
        assert await log.latest(100, user, types, middle) == early[::-1]


@pytest.mark.parametrize("position", ["-1", "x", "1.5", "9" * 40, "0" * 5000, " 1", "²"])
async def test_what_is_no_position_is_refused(book: Book, stores: Stores, position: str) -> None:
    await book.do(granting("u1"))
    log = stores.ours.events
    for read in (log.read(position, 5), log.unwanted(ALL, 5, position)):
        with pytest.raises(InvalidRequest) as refused:
            await read
        assert [problem.path for problem in refused.value.fields] == ["after"]
    with pytest.raises(InvalidRequest) as refused:
        await log.latest(5, before=position)
    assert [problem.path for problem in refused.value.fields] == ["before"]


async def test_a_position_is_never_given_twice(book: Book, stores: Stores) -> None:
    await filled(book)
    last = (await stores.ours.events.read(START, 100))[-1]
    loser = await book.change(granting("u1", 1))
    await book.do(granting("u1", 1))
    assert await book.store.commit([loser]) == [False]
    await book.do(granting("u2", 1))
    later = await stores.ours.events.read(last.position, 100)
    assert later[0].user_id == "u1"
    assert later[-1].user_id == "u2"
    assert len({e.position for e in later}) == len(later)


async def test_events_are_copies(book: Book, stores: Stores) -> None:
    await book.do(granting("u1"))
    (await stores.ours.events.read(START, 1))[0].data = b""
    (await stores.ours.events.unpublished(ALL, 1))[0].data = b""
    assert (await stores.ours.events.read(START, 1))[0].data != b""
