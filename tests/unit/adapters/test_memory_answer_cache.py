"""How much the in-memory cache keeps."""

from __future__ import annotations

from shothik_payment.adapters.memory.answer_cache import MemoryAnswerCache
from shothik_payment.domain.ports.answer_cache import FinishedAnswer
from tests.support.service import HeldClock

MOST = 100


async def test_the_answers_used_last_are_kept() -> None:
    cache = MemoryAnswerCache(HeldClock(), max_answers=MOST)
    cache.put("used", FinishedAnswer(b"f", b"b"))
    for n in range(3 * MOST):
        cache.put(f"k{n}", FinishedAnswer(b"f", b"b"))
        assert await cache.get("used") is not None
    kept = [n for n in range(3 * MOST) if await cache.get(f"k{n}")]
    assert kept == list(range(2 * MOST + 1, 3 * MOST))
