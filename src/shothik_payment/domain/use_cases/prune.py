"""Taking away events and request records that are past their keeping."""

from __future__ import annotations

from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.pruning import KEEP_EVENTS, KEEP_REQUESTS, Pruning

PRUNE_BATCH = 1_000


class Prune:
    def __init__(self, pruning: Pruning, clock: Clock) -> None:
        self._pruning = pruning
        self._clock = clock

    async def run(self) -> bool:
        """Delete one batch; whether more waits."""
        now = self._clock.now()
        events = await self._pruning.prune_events(Millis(now - KEEP_EVENTS), PRUNE_BATCH)
        requests = await self._pruning.prune_requests(Millis(now - KEEP_REQUESTS), PRUNE_BATCH)
        return PRUNE_BATCH in (events, requests)
