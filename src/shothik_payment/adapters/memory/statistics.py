from __future__ import annotations

from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.statistics import ChargedHour


class MemoryStatistics:
    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def charged(self, since: Millis, until: Millis) -> list[ChargedHour]:
        found = sorted(self._state.charged.items())
        return [
            ChargedHour(start, service, kind, credits, rows)
            for (start, service, kind), (credits, rows) in found
            if since <= start < until
        ]
