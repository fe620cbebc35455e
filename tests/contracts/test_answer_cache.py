from __future__ import annotations

from shothik_payment.domain.ports.answer_cache import ANSWER_TTL_SECONDS, FinishedAnswer
from tests.contracts.cache_bindings import CacheBinding


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
    await answers.advance(ANSWER_TTL_SECONDS - 30)
    assert await answers.cache.get("k") is not None
    await answers.advance(31)
    assert await answers.cache.get("k") is None


async def test_a_look_begins_at_the_call(answers: CacheBinding) -> None:
    answers.cache.put("k", FinishedAnswer(b"f", b"old"))
    begun = answers.cache.get("k")
    await answers.cache.get("another")
    answers.cache.put("k", FinishedAnswer(b"f", b"new"))
    await answers.cache.get("another")
    assert await begun == FinishedAnswer(b"f", b"old")
