from __future__ import annotations

from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.domain.model.time import Millis


class MemoryPruning:
    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def prune_events(self, before: Millis, limit: int) -> int:
        state = self._state
        held: set[str] = set()
        gone: set[str] = set()
        for event in state.events:
            if len(gone) == limit:
                break
            waits = event.position in state.unpublished or event.position in state.unwanted
            if waits or event.at >= before:
                held.add(event.user_id)
            elif event.user_id not in held:
                gone.add(event.position)
                state.pruned[event.user_id] = event.sequence
        if gone:
            state.events = [event for event in state.events if event.position not in gone]
        return len(gone)

    async def prune_requests(self, before: Millis, limit: int) -> int:
        requests = self._state.requests
        old = [key for key, record in requests.items() if record.at < before][:limit]
        for key in old:
            del requests[key]
        return len(old)
