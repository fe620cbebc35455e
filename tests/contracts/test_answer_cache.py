from __future__ import annotations

from shothik_payment.domain.ports.answer_cache import ANSWER_TTL_SECONDS, FinishedAnswer
from tests.contracts.bindings import CacheBinding


async def test_an_answer_is_found_byte_for_byte_and_as_a_copy(answers: CacheBinding) -> None:
    given = FinishedAnswer(b"\x00f", b'{"a": 1}\xff')
    answers.cache.put("k", given)
    given.body = b"changed"
    found = await answers.cache.get("k")
    assert found == FinishedAnswer(b"\x00f", b'{"a": 1}\xff')
    found.body = b"changed"
    assert await answers.cache.get("k") == FinishedAnswer(b"\x00f", b'{"a": 1}\xff')
    assert await answers.cache.get("another") is None


async def test_the_newest_answer_stands(answers: CacheBinding) -> None:
    answers.cache.put("k", FinishedAnswer(b"f", b"old"))
    answers.cache.put("k", FinishedAnswer(b"g", b"new"))
    assert await answers.cache.get("k") == FinishedAnswer(b"g", b"new")


async def test_an_answer_lives_for_its_time(answers: CacheBinding) -> None:
    answers.cache.put("k", FinishedAnswer(b"f", b"b"))
    answers.advance(ANSWER_TTL_SECONDS - 1)
    assert await answers.cache.get("k") is not None
    answers.advance(2)
    assert await answers.cache.get("k") is None


async def test_the_answers_used_last_are_kept(answers: CacheBinding) -> None:
    answers.cache.put("used", FinishedAnswer(b"f", b"b"))
    for n in range(3 * answers.max_answers):
        answers.cache.put(f"k{n}", FinishedAnswer(b"f", b"b"))
        assert await answers.cache.get("used") is not None
    kept = [n for n in range(3 * answers.max_answers) if await answers.cache.get(f"k{n}")]
    assert len(kept) == answers.max_answers - 1
    assert kept[-1] == 3 * answers.max_answers - 1
