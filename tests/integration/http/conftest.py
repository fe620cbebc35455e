from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.integration.http.support import World, running


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with running(World()) as started:
        yield started
