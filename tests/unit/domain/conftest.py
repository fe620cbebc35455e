from collections.abc import AsyncIterator

import pytest

from tests.support.service import TestService, running_service
from tests.support.writer_bench import Bench


@pytest.fixture
async def service() -> AsyncIterator[TestService]:
    async with running_service() as running:
        yield running


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """Nothing may be left unanswered or wrong at its end."""
    bench = Bench()
    bench.writer.start()
    yield bench
    bench.store.gate.set()
    await bench.writer.stop()
    assert bench.writer.unanswered == 0
    for user in bench.store.state.users:
        bench.store.state.check(user)
