from __future__ import annotations

import asyncio

import pytest

from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.ports.shared_lock import SharedLock

LONG = 60.0


async def test_one_at_a_time(lock: SharedLock) -> None:
    inside, most, entered = 0, 0, 0

    async def enter() -> None:
        nonlocal inside, most, entered
        async with lock.hold("token", ttl_seconds=LONG, wait_seconds=LONG):
            inside += 1
            entered += 1
            most = max(most, inside)
            await asyncio.sleep(0.001)
            inside -= 1

    await asyncio.gather(*(enter() for _ in range(5)))
    assert (entered, most) == (5, 1)


async def test_names_are_apart(lock: SharedLock) -> None:
    async with (
        lock.hold("a", ttl_seconds=LONG, wait_seconds=LONG),
        lock.hold("b", ttl_seconds=LONG, wait_seconds=0.01),
    ):
        pass


async def test_who_cannot_wait_goes_away(lock: SharedLock) -> None:
    async with lock.hold("token", ttl_seconds=LONG, wait_seconds=LONG):
        with pytest.raises(Unavailable):
            async with lock.hold("token", ttl_seconds=LONG, wait_seconds=0.1):
                pytest.fail("two are inside")
    async with lock.hold("token", ttl_seconds=LONG, wait_seconds=0.1):
        pass


async def test_who_fails_inside_leaves(lock: SharedLock) -> None:
    with pytest.raises(ZeroDivisionError):
        async with lock.hold("token", ttl_seconds=LONG, wait_seconds=LONG):
            raise ZeroDivisionError
    async with lock.hold("token", ttl_seconds=LONG, wait_seconds=0.1):
        pass


async def test_who_stays_too_long_is_alone_no_more(lock: SharedLock) -> None:
    """And takes nothing from the next one by leaving."""
    next_is_in, first_is_out = asyncio.Event(), asyncio.Event()

    async def enter_next() -> None:
        async with lock.hold("token", ttl_seconds=LONG, wait_seconds=LONG):
            next_is_in.set()
            await first_is_out.wait()
            with pytest.raises(Unavailable):
                async with lock.hold("token", ttl_seconds=LONG, wait_seconds=0.1):
                    pytest.fail("two are inside")

    async with lock.hold("token", ttl_seconds=0.2, wait_seconds=LONG):
        after = asyncio.create_task(enter_next())
        await next_is_in.wait()
    first_is_out.set()
    await after


async def test_many_wait_for_one_who_stays_too_long(lock: SharedLock) -> None:
    inside = 0

    async def enter() -> None:
        nonlocal inside
        async with lock.hold("token", ttl_seconds=LONG, wait_seconds=LONG):
            inside += 1
            assert inside == 1
            await asyncio.sleep(0)
            inside -= 1

    async with lock.hold("token", ttl_seconds=0.1, wait_seconds=LONG):
        await asyncio.gather(*(enter() for _ in range(5)))
