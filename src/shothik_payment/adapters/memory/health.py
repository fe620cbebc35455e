from __future__ import annotations


class MemoryHealth:
    """What lives in this process is there as long as the process is."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def ping(self) -> None:
        return
