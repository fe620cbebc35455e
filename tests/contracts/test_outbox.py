"""The event log as the relay sees it: what waits, what is marked, what nobody wanted."""

from __future__ import annotations

from shothik_payment.domain.model.time import SECOND, Millis
from shothik_payment.domain.ports.event_log import START, Backlog, partition_of
from tests.contracts.bindings import Stores
from tests.contracts.book import NOW, Book, granting
from tests.contracts.test_event_log import ALL, filled


async def test_what_carries_no_mark_is_unpublished(book: Book, stores: Stores) -> None:
    await filled(book)
    log = stores.ours.events
    events = await log.read(START, 100)
    assert await log.unpublished(ALL, 100) == events
    assert await log.unpublished(ALL, 2) == events[:2]
    await log.mark([events[0], events[2]], [events[1]], NOW)
    rest = events[3:]
    assert await stores.theirs.events.unpublished(ALL, 100) == rest
    await log.mark([events[0], *rest], [], NOW)
    assert await log.unpublished(ALL, 100) == []
    await log.mark([], [], NOW)
    assert await log.read(START, 100) == events


async def test_each_partition_has_users_of_its_own(book: Book, stores: Stores) -> None:
    users = [f"u{n}" for n in range(60)]
    for user in users:
        await book.do(granting(user))
    log = stores.ours.events
    events = await log.unpublished(ALL, 100)
    for partition in ALL:
        own = [e for e in events if partition_of(e.user_id) == partition]
        assert await log.unpublished([partition], 100) == own
    low = [e for e in events if partition_of(e.user_id) < 8]
    assert len(low) not in (0, 60)
    assert await log.unpublished(range(8), 100) == low
    assert await log.unpublished(range(8), 5) == low[:5]
    await log.mark([], low, NOW)
    assert await log.unwanted(range(8), 100) == low
    assert await log.unwanted(range(4), 1) == [e for e in low if partition_of(e.user_id) < 4][:1]
    assert await log.unwanted(range(8, 16), 100) == []
    assert await log.unpublished([], 100) == []


async def test_users_can_be_left_out_and_asked_for_alone(book: Book, stores: Stores) -> None:
    await filled(book)
    await book.do(granting("u3"))
    log = stores.ours.events
    events = await log.read(START, 100)
    rest = [e for e in events if e.user_id != "u1"]
    assert await log.unpublished(ALL, 100, ["u1", "nobody"]) == rest
    assert await log.unpublished(ALL, 2, {"u1"}) == rest[:2]
    assert await log.unpublished([partition_of("u1")], 100, ["u1"]) == [
        e for e in rest if partition_of(e.user_id) == partition_of("u1")
    ]
    own = [e for e in events if e.user_id == "u1"]
    assert await log.unpublished_of("u1", 100) == own
    await log.mark(own[:1], own[1:2], NOW)
    assert await log.unpublished_of("u1", 2) == own[2:4]
    assert await log.unpublished_of("nobody", 2) == []


async def test_what_nobody_wanted_waits_by_itself(book: Book, stores: Stores) -> None:
    await filled(book)
    log = stores.ours.events
    events = await log.read(START, 100)
    await log.mark([], [events[5]], NOW)
    await log.mark([], [events[1], events[5]], NOW)
    assert await log.unwanted(ALL, 100) == [events[1], events[5]]
    assert await log.unwanted(ALL, 1) == [events[1]]
    await log.mark([events[1]], [], NOW)
    assert await stores.theirs.events.unwanted(ALL, 100) == [events[5]]
    await log.mark([], [events[1]], NOW)  # what is published stays published
    assert await log.unwanted(ALL, 100) == [events[5]]
    assert events[1] not in await log.unpublished(ALL, 100)


async def test_what_nobody_wanted_is_read_page_by_page(book: Book, stores: Stores) -> None:
    await filled(book)
    log = stores.ours.events
    events = await log.read(START, 100)
    await log.mark([], events[:7], NOW)
    first = await log.unwanted(ALL, 3)
    assert first == events[:3]
    await log.mark(first[2:], [], NOW)  # its position holds
    second = await log.unwanted(ALL, 3, first[2].position)
    assert second == events[3:6]
    assert await log.unwanted(ALL, 3, second[-1].position) == events[6:7]
    assert await log.unwanted(ALL, 3, events[6].position) == []
    partition = partition_of("u2")
    own = [e for e in events[3:7] if partition_of(e.user_id) == partition]
    assert await log.unwanted([partition], 9, first[2].position) == own


async def test_the_backlog_is_counted(book: Book, stores: Stores) -> None:
    log = stores.ours.events
    assert await log.backlog() == Backlog(0, None, 0)
    for seconds in range(4):
        await book.do(granting("u1", at=Millis(NOW + seconds * SECOND)))
    assert await log.backlog() == Backlog(4, NOW, 0)
    events = await log.read(START, 100)
    await log.mark([events[0]], [events[1]], NOW)
    assert await stores.theirs.events.backlog() == Backlog(2, Millis(NOW + 2 * SECOND), 1)
    await log.mark(events, [], NOW)
    assert await log.backlog() == Backlog(0, None, 0)


async def test_published_events_alone(book: Book, stores: Stores) -> None:
    await filled(book)
    log = stores.ours.events
    events = await log.read(START, 100)
    await log.mark(events[:2], events[5:6], NOW)
    assert await log.read(START, 100, published=True) == events[:2]
    assert await log.read(START, 100, "u1", published=True) == events[:1]
    await log.mark(events[5:6], [], NOW)
    assert await log.read(events[1].position, 100, published=True) == events[5:6]
