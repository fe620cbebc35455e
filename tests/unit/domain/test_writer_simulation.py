"""The writer among crashes, conflicts and lost answers. Each run is decided by its seed:
`SIMULATION_SEED=… pytest tests/unit/domain/test_writer_simulation.py` runs that one again,
`SIMULATION_RUNS=…` makes more of them."""

import asyncio
import os

import pytest

from tests.support.faulty_store import Faults
from tests.support.simulation import Simulation

RUNS = int(os.environ.get("SIMULATION_RUNS", "50"))
ONE = os.environ.get("SIMULATION_SEED")
SEEDS = [int(ONE)] if ONE else range(RUNS)

WEATHER = {
    "calm": Faults(),
    "conflicts": Faults(conflict=0.3),
    "store away": Faults(load_fails=0.2, commit_refused=0.2),
    "answers lost": Faults(commit_answer_lost=0.3),
    "crashes": Faults(crash=0.05),
    "everything": Faults(0.1, 0.1, 0.1, 0.1, 0.03),
}
# Here commands are answered, or refused by the store, before they pile up.
QUIET = {"calm", "store away"}


async def simulate(seed: int, faults: Faults) -> Simulation:
    simulation = Simulation(seed, processes=1 + seed % 3, faults=faults)
    try:
        async with asyncio.timeout(20):
            await simulation.run()
    except BaseException:
        print(f"Run it again with SIMULATION_SEED={seed}")
        raise
    return simulation


@pytest.mark.parametrize("weather", WEATHER)
async def test_nothing_is_lost_doubled_or_overdrawn(weather: str) -> None:
    runs = [await simulate(seed, WEATHER[weather]) for seed in SEEDS]
    # The weather did come.
    if not ONE:
        assert any(run.crashes for run in runs) == bool(WEATHER[weather].crash)
        kinds = {answered.row.kind for run in runs for answered in run.answered}
        assert kinds >= {"grant", "deduct", "reverse", "hold", "capture", "release"}
        assert any(run.overloaded for run in runs) or weather in QUIET


@pytest.mark.drill
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("weather", WEATHER)
async def test_many_more_seeds(weather: str) -> None:
    for seed in range(RUNS, RUNS + 2000):
        await simulate(seed, WEATHER[weather])


async def test_a_seed_decides_everything() -> None:
    first = await simulate(7, WEATHER["everything"])
    second = await simulate(7, WEATHER["everything"])
    assert repr(first.answered) == repr(second.answered)
    assert repr(first.state.users) == repr(second.state.users)
