from __future__ import annotations

import json

from shothik_payment.domain.ports.event_log import RecordedEvent
from tests.contracts.bindings import Stores
from tests.contracts.book import NOW, SERVICE, Book, binding, deducting, granting


async def filled(book: Book) -> None:
    """Eight events: five of u1, the last two of them stops, and three of u2."""
    await book.do(granting("u1", 2))
    await book.do(granting("u2", 9), deducting("u2", 1))
    await book.do(deducting("u1", 2))
    await book.do(deducting("u2", 1))


async def test_an_event_is_recorded_as_it_goes_on_the_wire(book: Book, stores: Stores) -> None:
    await book.do(granting("u1", 10))
    row = await book.row(deducting("u1", 3, binding("r1"), {"tag": "ü"}))
    event = (await stores.ours.events.read(0, 10))[-1]
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
    events = await stores.ours.events.read(0, 100)
    assert [(e.user_id, e.sequence) for e in events] == [
        ("u1", 1),
        ("u2", 1),
        ("u2", 2),
        *(("u1", n) for n in range(2, 6)),
        ("u2", 3),
    ]
    positions = [e.position for e in events]
    assert positions == sorted(set(positions))
    assert [e.routing_key for e in events[4:7]] == [
        "usage.limit_exceeded",
        "service.paraphrase_service.stop_user",
        "service.slide_service.stop_user",
    ]


async def test_reading_goes_on_after_a_position(book: Book, stores: Stores) -> None:
    await filled(book)
    log = stores.ours.events
    everything = await log.read(0, 100)
    read: list[RecordedEvent] = []
    while page := await log.read(read[-1].position if read else 0, 3):
        assert len(page) <= 3
        read.extend(page)
    assert read == everything
    assert await log.read(everything[-1].position, 3) == []


async def test_events_are_filtered_by_user_and_type(book: Book, stores: Stores) -> None:
    await filled(book)
    log = stores.ours.events
    own = await log.read(0, 100, "u1")
    assert [e.sequence for e in own] == [1, 2, 3, 4, 5]
    assert await log.read(own[1].position, 2, "u1") == own[2:4]
    types = ["credit.added", "usage.limit_exceeded"]
    assert [e.type for e in await log.read(0, 100, None, types)] == [
        "credit.added",
        "credit.added",
        "usage.limit_exceeded",
    ]
    assert [e.user_id for e in await log.read(0, 100, "u2", types)] == ["u2"]
    assert await log.read(0, 100, "nobody") == []
    assert await log.read(0, 1, "u1", ["service.stop_user"]) == [own[3]]


async def test_what_carries_no_mark_is_unpublished(book: Book, stores: Stores) -> None:
    await filled(book)
    log = stores.ours.events
    events = await log.read(0, 100)
    assert await log.unpublished(100) == events
    assert await log.unpublished(2) == events[:2]
    await log.mark_published([events[0].position, events[2].position], NOW)
    rest = [events[1], *events[3:]]
    assert await stores.theirs.events.unpublished(100) == rest
    await log.mark_published([events[0].position, *(e.position for e in rest)], NOW)
    assert await log.unpublished(100) == []
    await log.mark_published([], NOW)
    assert await log.read(0, 100) == events


async def test_a_position_is_never_given_twice(book: Book, stores: Stores) -> None:
    await filled(book)
    last = (await stores.ours.events.read(0, 100))[-1]
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
    (await stores.ours.events.read(0, 1))[0].data = b""
    (await stores.ours.events.unpublished(1))[0].data = b""
    assert (await stores.ours.events.read(0, 1))[0].data != b""
