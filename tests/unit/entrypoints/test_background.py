"""Background work goes on whatever fails, and stops when asked."""

from __future__ import annotations

import asyncio

from shothik_payment.domain.errors import Unavailable
from shothik_payment.entrypoints.background import Background, Chore

LONG = 3600.0


class Steps:
    """Answers a chore's steps from a list, each after `seconds`, then says there is no more."""

    def __init__(self, *answers: bool | Exception, seconds: float = 0.0) -> None:
        self.answers = list(answers)
        self.seconds = seconds
        self.count = 0
        self.idle = asyncio.Event()

    async def __call__(self) -> bool:
        self.count += 1
        await asyncio.sleep(self.seconds)
        answer = self.answers.pop(0) if self.answers else False
        if isinstance(answer, Exception):
            raise answer
        if not answer and not self.answers:
            self.idle.set()
        return answer


async def run_until_idle(chore: Chore, steps: Steps) -> Background:
    background = Background([chore])
    background.start()
    await asyncio.wait_for(steps.idle.wait(), 10)
    return background


async def test_it_goes_on_at_once_while_there_is_more() -> None:
    steps = Steps(True, True, False)
    background = await run_until_idle(Chore("drain", steps, LONG), steps)
    assert steps.count == 3
    await asyncio.wait_for(background.stop(), 2)


async def test_it_rests_while_there_is_more() -> None:
    """Four times as long as a step takes, and not longer than it may."""
    loop = asyncio.get_running_loop()
    for rest, at_least in ((60.0, 0.4), (0.15, 0.3)):
        steps = Steps(True, True, False, seconds=0.05)
        begun = loop.time()
        background = await run_until_idle(Chore("drain", steps, LONG, rest_seconds=rest), steps)
        assert at_least + 0.15 <= loop.time() - begun < 5
        await background.stop()


async def test_a_failure_is_survived() -> None:
    steps = Steps(Unavailable("away"), RuntimeError("broken"), False)
    background = await run_until_idle(Chore("fails", steps, LONG), steps)
    assert steps.count == 3
    await background.stop()


async def test_it_is_woken() -> None:
    wake = asyncio.Event()
    steps = Steps(False)
    background = await run_until_idle(Chore("woken", steps, LONG, wake), steps)
    steps.idle.clear()
    wake.set()
    await asyncio.wait_for(steps.idle.wait(), 2)
    assert steps.count == 2
    await background.stop()


async def test_a_busy_waker_is_served_in_batches() -> None:
    wake = asyncio.Event()
    steps = Steps(False)
    chore = Chore("batches", steps, LONG, wake, pause_seconds=0.2)
    background = await run_until_idle(chore, steps)
    loop = asyncio.get_running_loop()
    end = loop.time() + 0.5
    while loop.time() < end:
        wake.set()
        await asyncio.sleep(0)
    assert 2 <= steps.count <= 4
    await background.stop()


async def test_a_step_under_way_ends_before_it_stops() -> None:
    started, go_on, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def step() -> bool:
        started.set()
        await go_on.wait()
        ended.set()
        return True

    background = Background([Chore("slow", step, LONG)])
    background.start()
    await started.wait()
    stopping = asyncio.create_task(background.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    go_on.set()
    await asyncio.wait_for(stopping, 2)
    assert ended.is_set()
