from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from shothik_payment.adapters.bkash import BkashGateway
from tests.integration.bkash.support import Shop
from tests.simulators.bkash import Simulator


@pytest.fixture(scope="session")
def started_simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    simulator = Simulator(tmp_path_factory.mktemp("bkash")).start()
    yield simulator
    simulator.stop()


@pytest.fixture
async def simulator(started_simulator: Simulator) -> Simulator:
    await started_simulator.reset()
    return started_simulator


@pytest.fixture
async def shop(simulator: Simulator) -> AsyncIterator[Shop]:
    shop = Shop(simulator)
    yield shop
    await shop.close()


@pytest.fixture
def gateway(shop: Shop) -> BkashGateway:
    return shop.gateway()
