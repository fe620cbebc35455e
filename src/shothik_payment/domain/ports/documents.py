"""A few small documents that an adapter has to remember over a restart."""

from __future__ import annotations

from typing import Protocol


class Documents(Protocol):
    """Durable and shared by all processes; one instance keeps documents of one kind."""

    async def get(self, document_id: str) -> bytes | None: ...

    async def replace(self, document_id: str, old: bytes | None, new: bytes) -> bool:
        """Store `new` if what is stored is still `old` (None: nothing yet); whether it was."""
        ...
