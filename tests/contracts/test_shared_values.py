from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.contracts import cache_bindings
from tests.contracts.cache_bindings import ValuesBinding


@pytest.fixture(params=cache_bindings.VALUES)
async def values(request: pytest.FixtureRequest) -> AsyncIterator[ValuesBinding]:
    async with cache_bindings.VALUES[request.param](request.getfixturevalue) as binding:
        yield binding


async def test_what_is_put_is_there_for_all(values: ValuesBinding) -> None:
    assert await values.ours.get("token") is None
    await values.ours.put("token", "a \u09e7\x00", 60)
    await values.ours.put("empty", "", 60)
    assert await values.theirs.get("token") == "a \u09e7\x00"
    assert await values.theirs.get("empty") == ""
    assert await values.theirs.get("other") is None


async def test_it_is_gone_when_its_time_is_over(values: ValuesBinding) -> None:
    await values.ours.put("token", "a", 60)
    await values.advance(50)
    assert await values.theirs.get("token") == "a"
    await values.advance(10)
    assert await values.ours.get("token") is None


async def test_a_newer_value_has_a_time_of_its_own(values: ValuesBinding) -> None:
    await values.ours.put("token", "a", 60)
    await values.advance(50)
    await values.theirs.put("token", "b", 60)
    await values.advance(50)
    assert await values.ours.get("token") == "b"
    await values.theirs.put("token", "b", 5)
    await values.advance(5)
    assert await values.ours.get("token") is None


async def test_only_the_value_that_is_meant_is_forgotten(values: ValuesBinding) -> None:
    await values.ours.put("token", "a", 60)
    await values.theirs.put("token", "b", 60)
    await values.ours.forget("token", "a")
    assert await values.ours.get("token") == "b"
    await values.ours.forget("token", "b")
    assert await values.theirs.get("token") is None
    await values.ours.forget("token", "b")


async def test_a_value_is_kept_in_no_repr(values: ValuesBinding) -> None:
    await values.ours.put("token", "planted-secret", 60)
    assert "planted" not in f"{values.ours!r} {vars(values.ours).keys()}"
