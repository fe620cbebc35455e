"""The machine's clock, put forward."""

from __future__ import annotations

import pytest

from shothik_payment.adapters.memory import MemoryDocuments, MemoryState
from shothik_payment.adapters.system import OffsetClock
from shothik_payment.domain.errors import Conflict, StoreCorrupt
from shothik_payment.domain.model.time import DAY, Millis


class HeldClock:
    def __init__(self) -> None:
        self.at = Millis(1_800_000_000_000)

    def now(self) -> Millis:
        return self.at


@pytest.fixture
def wall() -> HeldClock:
    return HeldClock()


@pytest.fixture
def documents() -> MemoryDocuments:
    return MemoryDocuments(MemoryState(), "test clock")


async def test_it_goes_on_from_where_it_was_put(
    wall: HeldClock, documents: MemoryDocuments
) -> None:
    clock = OffsetClock(wall, documents)
    await clock.load()
    assert clock.now() == wall.at
    target = Millis(wall.at + DAY)
    await clock.move_to(target)
    assert clock.now() == target
    wall.at = Millis(wall.at + 5)
    assert clock.now() == target + 5


async def test_it_is_never_put_back(wall: HeldClock, documents: MemoryDocuments) -> None:
    clock = OffsetClock(wall, documents)
    await clock.load()
    await clock.move_to(Millis(wall.at + DAY))
    await clock.move_to(Millis(wall.at + DAY - 1))
    await clock.move_to(wall.at)
    assert clock.now() == wall.at + DAY


async def test_the_next_process_goes_on_with_it(
    wall: HeldClock, documents: MemoryDocuments
) -> None:
    clock = OffsetClock(wall, documents)
    await clock.load()
    await clock.move_to(Millis(wall.at + DAY))
    wall.at = Millis(wall.at + 60)
    later = OffsetClock(wall, documents)
    await later.load()
    assert later.now() == wall.at + DAY
    await later.move_to(Millis(wall.at + 2 * DAY))
    assert later.now() == wall.at + 2 * DAY


async def test_what_another_process_has_moved_is_not_overwritten(
    wall: HeldClock, documents: MemoryDocuments
) -> None:
    ours, theirs = OffsetClock(wall, documents), OffsetClock(wall, documents)
    for clock in (ours, theirs):
        await clock.load()
    await theirs.move_to(Millis(wall.at + DAY))
    with pytest.raises(Conflict):
        await ours.move_to(Millis(wall.at + 2 * DAY))
    assert ours.now() == wall.at
    await ours.load()
    assert ours.now() == wall.at + DAY


async def test_what_cannot_be_read_is_told(wall: HeldClock, documents: MemoryDocuments) -> None:
    await documents.replace("offset", None, b"-5")
    with pytest.raises(StoreCorrupt):
        await OffsetClock(wall, documents).load()
