from __future__ import annotations

from shothik_payment.adapters.memory.state import MemoryState


class MemoryDocuments:
    """Documents of one `kind`."""

    def __init__(self, state: MemoryState, kind: str) -> None:
        self._documents = state.documents
        self._kind = kind

    async def get(self, document_id: str) -> bytes | None:
        return self._documents.get((self._kind, document_id))

    async def replace(self, document_id: str, old: bytes | None, new: bytes) -> bool:
        if self._documents.get((self._kind, document_id)) != old:
            return False
        self._documents[self._kind, document_id] = new
        return True
