from collections.abc import AsyncIterator

import pytest

from tests.support.service import TestService, running_service


@pytest.fixture
async def service() -> AsyncIterator[TestService]:
    async with running_service() as running:
        yield running
