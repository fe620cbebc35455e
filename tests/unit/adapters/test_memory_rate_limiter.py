"""What the in-memory limiter does when its clock is set."""

from __future__ import annotations

from shothik_payment.adapters.memory.rate_limiter import MemoryRateLimiter
from tests.support.service import HeldClock

DAY_MS = 86_400_000


async def test_a_clock_that_was_ahead_locks_nobody_out() -> None:
    clock = HeldClock()
    limiter = MemoryRateLimiter(clock)
    clock.advance(30 * DAY_MS)
    assert (await limiter.hit("s", 2, 3600)).allowed
    clock.advance(-30 * DAY_MS)
    assert (await limiter.hit("s", 2, 3600)).allowed
    refused = await limiter.hit("s", 2, 3600)
    assert not refused.allowed
    assert refused.reset_seconds <= 3661
    clock.advance(1000 * refused.reset_seconds)
    assert (await limiter.hit("s", 2, 3600)).allowed


async def test_a_clock_set_back_a_little_frees_nothing() -> None:
    clock = HeldClock()
    limiter = MemoryRateLimiter(clock)
    for _ in range(2):
        assert (await limiter.hit("s", 2, 60)).allowed
    clock.advance(-5000)
    assert not (await limiter.hit("s", 2, 60)).allowed
