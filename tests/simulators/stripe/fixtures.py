"""Import `stripe_process` and `stripe` into a conftest to have them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulators.stripe.simulator import Simulator


@pytest.fixture(scope="session")
def stripe_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    simulator = Simulator(tmp_path_factory.mktemp("stripe"))
    simulator.start()
    yield simulator
    simulator.stop()


@pytest.fixture
async def stripe(stripe_process: Simulator) -> Simulator:
    """With an empty account."""
    await stripe_process.reset()
    return stripe_process
