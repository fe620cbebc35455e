from __future__ import annotations

import random

from tests.contracts.bindings import LimiterBinding

WINDOW = 60


async def test_as_many_as_the_limit_are_allowed(limits: LimiterBinding) -> None:
    decisions = [await limits.limiter.hit("s", 5, WINDOW) for _ in range(7)]
    assert [d.allowed for d in decisions] == [True] * 5 + [False] * 2
    assert [d.remaining for d in decisions] == [4, 3, 2, 1, 0, 0, 0]
    assert {(d.limit, d.window_seconds) for d in decisions} == {(5, WINDOW)}
    assert 0 < decisions[-1].reset_seconds <= WINDOW + 2


async def test_subjects_are_apart(limits: LimiterBinding) -> None:
    assert (await limits.limiter.hit("s", 1, WINDOW)).allowed
    assert (await limits.limiter.hit("t", 1, WINDOW)).allowed
    assert not (await limits.limiter.hit("s", 1, WINDOW)).allowed


async def test_the_window_slides(limits: LimiterBinding) -> None:
    """Requests late in one window count well into the next."""
    limits.advance(WINDOW - 1)
    for _ in range(4):
        assert (await limits.limiter.hit("s", 4, WINDOW)).allowed
    limits.advance(WINDOW / 2)
    assert not (await limits.limiter.hit("s", 4, WINDOW)).allowed
    limits.advance(WINDOW / 2 - 1)
    assert not (await limits.limiter.hit("s", 4, WINDOW)).allowed


async def test_a_refused_caller_may_try_again_when_told(limits: LimiterBinding) -> None:
    for _ in range(3):
        await limits.limiter.hit("s", 3, WINDOW)
        limits.advance(10)
    refused = await limits.limiter.hit("s", 3, WINDOW)
    assert not refused.allowed
    assert refused.reset_seconds <= 32
    limits.advance(refused.reset_seconds)
    assert (await limits.limiter.hit("s", 3, WINDOW)).allowed


async def test_a_refused_request_does_not_count(limits: LimiterBinding) -> None:
    for _ in range(3):
        await limits.limiter.hit("s", 3, WINDOW)
    for _ in range(WINDOW + 2):
        await limits.limiter.hit("s", 3, WINDOW)
        limits.advance(1)
    assert (await limits.limiter.hit("s", 3, WINDOW)).allowed


async def test_no_window_sees_more_than_the_limit(limits: LimiterBinding) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    now, allowed = 0.0, list[float]()
    for _ in range(2000):
        step = chance.choice((0, 0, 0, 0.3, 2.5, 20))
        limits.advance(step)
        now += step
        if (await limits.limiter.hit("s", 7, WINDOW)).allowed:
            allowed.append(now)
    for i, first in enumerate(allowed):
        inside = [at for at in allowed[i:] if at < first + WINDOW]
        assert len(inside) <= 7, f"seed {seed}"
    assert len(allowed) > now / WINDOW * 7 * 0.8, f"seed {seed}"
