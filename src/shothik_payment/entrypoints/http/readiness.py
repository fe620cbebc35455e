"""What is wrong with each dependency, for anyone who asks."""

from __future__ import annotations

import asyncio

import structlog

from shothik_payment.domain.errors import StoreCorrupt, Unavailable
from shothik_payment.domain.ports.health import HealthCheck

log = structlog.get_logger(__name__)


class Readiness:
    """Anybody may ask, and a check can cost its server a write: so whoever asks while one is under
    way shares it, and what it found is believed for `kept_seconds`."""

    def __init__(self, kept_seconds: float = 1.0) -> None:
        self._kept_seconds = kept_seconds
        self._found: dict[str, tuple[float, str | None]] = {}
        self._under_way: dict[str, asyncio.Task[str | None]] = {}

    async def problem(self, check: HealthCheck, seconds: float) -> str | None:
        """In words for anyone; None: it does its work. A check has `seconds` for its answer."""
        loop = asyncio.get_running_loop()
        until, problem = self._found.get(check.name, (loop.time(), None))
        if loop.time() < until:
            return problem
        task = self._under_way.get(check.name)
        if task is None:
            task = loop.create_task(self._look(check, seconds))
            self._under_way[check.name] = task
        return await asyncio.shield(task)  # who goes away leaves it to the others

    async def _look(self, check: HealthCheck, seconds: float) -> str | None:
        try:
            problem = await _problem(check, seconds)
            until = asyncio.get_running_loop().time() + self._kept_seconds
            self._found[check.name] = until, problem
            return problem
        finally:
            del self._under_way[check.name]


async def _problem(check: HealthCheck, seconds: float) -> str | None:
    """The log has what is not for anyone."""
    try:
        async with asyncio.timeout(seconds):
            await check.ping()
    except TimeoutError:
        problem = f"no answer within {seconds:g} s"
        log.error("dependency is away", dependency=check.name, error=problem)
        return problem
    except Unavailable as error:
        if str(error) != error.message:
            log.error("dependency is away", dependency=check.name, error=str(error))
        return error.message
    except StoreCorrupt as error:
        log.error("dependency is corrupt", dependency=check.name, error=str(error))
        return "cannot be read as what it should be"
    return None
