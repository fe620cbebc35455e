from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shothik_payment.adapters.memory.state import MemoryState
from tests.integration.stripe.support import Desk, desk
from tests.simulators.stripe import Simulator
from tests.simulators.stripe.fixtures import stripe, stripe_process

__all__ = ["stripe", "stripe_process"]


@pytest.fixture
async def ours(stripe: Simulator) -> AsyncIterator[Desk]:
    async with desk(stripe, MemoryState()) as opened:
        yield opened


@pytest.fixture
async def theirs(stripe: Simulator, ours: Desk) -> AsyncIterator[Desk]:
    """Another process on the same store."""
    async with desk(stripe, ours.state) as opened:
        yield opened
