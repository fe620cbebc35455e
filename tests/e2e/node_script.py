"""The scripts of examples/node as processes."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "examples" / "node"


class Script:
    """A running script; `lines` is what it has said so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._passed: list[str] = []
        self.lines: list[str] = []

    async def until(self, words: str) -> str:
        """The next line with these words, each line once; it may have come before those that were
        waited for earlier."""
        for number, line in enumerate(self._passed):
            if words in line:
                return self._passed.pop(number)
        assert self._process.stdout is not None
        async with asyncio.timeout(30):
            while read := await self._process.stdout.readline():
                line = read.decode().rstrip("\n")
                self.lines.append(line)
                if words in line:
                    return line
                self._passed.append(line)
        raise AssertionError(f"it ended without {words!r}:\n{self.said}")

    async def ended(self) -> int:
        assert self._process.stdout is not None
        async with asyncio.timeout(30):
            rest = (await self._process.stdout.read()).decode()
            self.lines += rest.splitlines()
            return await self._process.wait()

    async def interrupted(self) -> int:
        self._process.send_signal(signal.SIGINT)
        return await self.ended()

    @property
    def said(self) -> str:
        return "\n".join(self.lines)


@asynccontextmanager
async def script(node: str, name: str, *arguments: str, **given: str) -> AsyncIterator[Script]:
    process = await asyncio.create_subprocess_exec(
        node,
        str(FOLDER / name),
        *arguments,
        env={"PATH": os.environ["PATH"], **given},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield Script(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def run(node: str, name: str, *arguments: str, **given: str) -> tuple[int, str]:
    """Its exit code and what it said."""
    async with script(node, name, *arguments, **given) as running:
        return await running.ended(), running.said
