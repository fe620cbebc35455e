from __future__ import annotations

import random

from tests.contracts.cache_bindings import LimiterBinding

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
    await limits.advance(WINDOW - 1)
    for _ in range(4):
        assert (await limits.limiter.hit("s", 4, WINDOW)).allowed
    await limits.advance(WINDOW / 2)
    assert not (await limits.limiter.hit("s", 4, WINDOW)).allowed
    await limits.advance(WINDOW / 2 - 5)
    assert not (await limits.limiter.hit("s", 4, WINDOW)).allowed


async def test_a_refused_caller_may_try_again_when_told(limits: LimiterBinding) -> None:
    for _ in range(3):
        await limits.limiter.hit("s", 3, WINDOW)
        await limits.advance(10)
    refused = await limits.limiter.hit("s", 3, WINDOW)
    assert not refused.allowed
    assert refused.reset_seconds <= 32
    await limits.advance(refused.reset_seconds)
    assert (await limits.limiter.hit("s", 3, WINDOW)).allowed


async def test_a_refused_request_does_not_count(limits: LimiterBinding) -> None:
    for _ in range(3):
        await limits.limiter.hit("s", 3, WINDOW)
    for _ in range(WINDOW + 2):
        await limits.limiter.hit("s", 3, WINDOW)
        await limits.advance(1)
    assert (await limits.limiter.hit("s", 3, WINDOW)).allowed


async def test_windows_of_another_length_are_apart(limits: LimiterBinding) -> None:
    assert (await limits.limiter.hit("s", 1, WINDOW)).allowed
    assert (await limits.limiter.hit("s", 1, 60 * WINDOW)).allowed
    assert not (await limits.limiter.hit("s", 1, 60 * WINDOW)).allowed


async def test_a_lower_limit_holds_at_once(limits: LimiterBinding) -> None:
    for _ in range(5):
        assert (await limits.limiter.hit("s", 5, WINDOW)).allowed
    refused = await limits.limiter.hit("s", 3, WINDOW)
    assert (refused.allowed, refused.remaining) == (False, 0)
    assert (await limits.limiter.hit("s", 7, WINDOW)).remaining == 1


async def test_requests_begun_together_are_counted_one_by_one(limits: LimiterBinding) -> None:
    begun = [limits.limiter.hit("s", 5, WINDOW) for _ in range(8)]
    begun += [limits.limiter.hit("t", 5, WINDOW)]
    decisions = [await decision for decision in begun]
    assert [d.remaining for d in decisions] == [4, 3, 2, 1, 0, 0, 0, 0, 4]
    assert [d.allowed for d in decisions] == [True] * 5 + [False] * 3 + [True]
    assert all(d.counted for d in decisions)


async def test_a_request_counts_from_the_call_on(limits: LimiterBinding) -> None:
    begun = limits.limiter.hit("s", 1, WINDOW)
    assert not (await limits.limiter.hit("s", 1, WINDOW)).allowed
    assert (await begun).allowed


async def test_no_window_sees_more_than_the_limit(limits: LimiterBinding) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    passed, allowed = 0.0, list[tuple[float, float]]()
    for _ in range(2000):
        step = chance.choice((0, 0, 0, 0.3, 2.5, 20))
        await limits.advance(step)
        passed += step
        before = passed + limits.now()
        if (await limits.limiter.hit("s", 7, WINDOW)).allowed:
            allowed.append((before, passed + limits.now()))
    for i, (first, _) in enumerate(allowed):
        surely_inside = [after for _, after in allowed[i:] if after < first + WINDOW]
        assert len(surely_inside) <= 7, f"seed {seed}"
    assert len(allowed) > passed / WINDOW * 7 * 0.8, f"seed {seed}"


async def test_what_remains_is_told_without_counting(limits: LimiterBinding) -> None:
    limiter = limits.limiter
    for _ in range(3):
        assert await limiter.remaining("s", 3, WINDOW) == 3
    for left in (2, 1, 0):
        assert (await limiter.hit("s", 3, WINDOW)).allowed
        assert await limiter.remaining("s", 3, WINDOW) == left
    await limiter.hit("s", 3, WINDOW)
    assert await limiter.remaining("s", 3, WINDOW) == 0
    assert await limiter.remaining("s", 2, WINDOW) == 0
    assert await limiter.remaining("s", 5, WINDOW) == 2
    assert await limiter.remaining("t", 3, WINDOW) == 3
    assert await limiter.remaining("s", 3, 60 * WINDOW) == 3
    # In one round trip with a request that counts, it is of the time after that.
    first, left = limiter.hit("t", 3, WINDOW), limiter.remaining("t", 3, WINDOW)
    assert ((await first).allowed, await left) == (True, 2)
    await limits.advance(WINDOW + 2)
    assert await limiter.remaining("s", 3, WINDOW) == 3
