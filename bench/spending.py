"""A process that books deductions without HTTP: `python -m bench.spending fill | pace`.

`fill` makes `EVENTS` events of `USERS` users and lets them wait in the outbox. `pace` books so many
deductions a second, with the background work of a process beside it where it is told to. Both act
on the servers that the environment names.
"""

from __future__ import annotations

import argparse
import asyncio
import time

import uvloop

from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.ledger.commands import Command, Deduct, GrantCredits, RequestBinding
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.model.grant import GrantSource
from shothik_payment.entrypoints.application import Application
from shothik_payment.entrypoints.container import Container, make_container
from shothik_payment.entrypoints.interpreter import tune_interpreter
from shothik_payment.entrypoints.running import running, serving
from shothik_payment.entrypoints.settings import Settings

USERS = 1_000
EVENTS = 20_000
CREDITS = 1_000_000
MEASURED = "measured"
"""The feature of the deductions whose events count; those before only warm up."""
WARM_UP_SECONDS = 2
_TICK_SECONDS = 0.005


class Spender:
    def __init__(self, container: Container, application: Application) -> None:
        self._ids = container.ids()
        self._clock = container.clock()
        self._writer = application.writer

    def grant(self, number: int) -> Command:
        return GrantCredits(
            id=self._ids.next(),
            user_id=f"bench_{number % USERS}",
            at=self._clock.now(),
            amount=CREDITS,
            source=GrantSource.PURCHASE,
        )

    def deduct(self, number: int, feature: str = MEASURED) -> Command:
        command_id = self._ids.next()
        key = f"paraphrase_service POST /deduct {command_id}"
        return Deduct(
            id=command_id,
            user_id=f"bench_{number % USERS}",
            at=self._clock.now(),
            request=RequestBinding(key, command_id, b"\0" * 16),
            amount=1,
            service="paraphrase_service",
            feature=feature,
        )

    async def book(self, commands: list[Command]) -> None:
        await asyncio.gather(*(self._writer.submit(command) for command in commands))

    async def pace(self, count: int, per_second: int, feature: str) -> None:
        """An open loop: who is late does not slow down what comes after."""
        waiting: set[asyncio.Future[Outcome]] = set()
        begun, started = 0, time.monotonic()
        while begun < count:
            due = min(int((time.monotonic() - started) * per_second), count)
            while begun < due and not self._writer.full():
                answer = self._writer.submit(self.deduct(begun, feature))
                waiting.add(answer)
                answer.add_done_callback(waiting.discard)
                begun += 1
            await asyncio.sleep(_TICK_SECONDS)
        await asyncio.gather(*waiting)


async def fill(container: Container) -> None:
    async with running(container) as application:
        spender = Spender(container, application)
        await spender.book([spender.grant(user) for user in range(USERS)])
        for _ in range(EVENTS // USERS - 1):
            await spender.book([spender.deduct(user) for user in range(USERS)])


async def pace(container: Container, per_second: int, seconds: int, *, works: bool) -> None:
    async with running(container, chores=serving(container), works=works) as application:
        tune_interpreter()  # as a server does
        spender = Spender(container, application)
        await spender.book([spender.grant(user) for user in range(USERS)])
        await spender.pace(per_second * WARM_UP_SECONDS, per_second, "warm_up")
        await spender.pace(per_second * seconds, per_second, MEASURED)
        await _until_told(container)


async def _until_told(container: Container) -> None:
    deadline = time.monotonic() + 60
    while (await container.store().events.backlog()).events:
        if time.monotonic() > deadline:
            raise Unavailable("events still wait to be published")
        await asyncio.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.spending", description=__doc__)
    parser.add_argument("what", choices=["fill", "pace"])
    parser.add_argument("--per-second", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--works", action="store_true", help="with the background work")
    arguments = parser.parse_args()
    container = make_container(Settings())
    if arguments.what == "fill":
        uvloop.run(fill(container))
    else:
        uvloop.run(pace(container, arguments.per_second, arguments.seconds, works=arguments.works))


if __name__ == "__main__":
    main()
