"""Waiting for what other processes do."""

from __future__ import annotations

import asyncio
import select
import time
from collections.abc import Awaitable, Callable
from typing import Any


def select_pause() -> None:
    """Between two looks at a process that has no way to call us."""
    select.select([], [], [], 0.05)


async def gather_bounded(jobs: list[Any], width: int) -> list[Any]:
    gate = asyncio.Semaphore(width)

    async def one(job: Any) -> Any:
        async with gate:
            return await job

    return await asyncio.gather(*(one(job) for job in jobs))


async def eventually(is_so: Callable[[], Awaitable[bool]], seconds: float = 30) -> None:
    """Of what another process does, and has no way to tell."""
    deadline = time.monotonic() + seconds
    while not await is_so():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
