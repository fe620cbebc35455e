from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace

from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.domain.model.key_usage import Granularity, LastUse, UsageCount
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.key_usage import UsageBatch


class MemoryKeyUsage:
    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def add(self, batch: UsageBatch) -> None:
        state = self._state
        if state.usage_batches.get(batch.recorder, (0, 0))[0] >= batch.number:
            return
        state.usage_batches[batch.recorder] = batch.number, batch.at
        for slot, requests in batch.counts.items():
            state.key_usage[slot] = state.key_usage.get(slot, 0) + requests
        for key_id, use in batch.last.items():
            known = state.key_last_use.get(key_id)
            if known is None or known.at <= use.at:
                state.key_last_use[key_id] = use
        entries = (replace(entry, changes=dict(entry.changes)) for entry in batch.refused)
        state.api_key_audit.extend(entries)

    async def read(
        self, key_id: str, since: Millis, until: Millis, granularity: Granularity
    ) -> list[UsageCount]:
        period = granularity.milliseconds
        found: Counter[tuple[Millis, str, int]] = Counter()
        for (used, hour, endpoint, status), requests in self._state.key_usage.items():
            if used == key_id and since <= hour < until:
                found[Millis(hour - hour % period), endpoint, status] += requests
        return [UsageCount(*slot, requests) for slot, requests in found.items()]

    async def last_used(self, key_ids: Collection[str]) -> dict[str, LastUse]:
        known = self._state.key_last_use
        return {key_id: known[key_id] for key_id in key_ids if key_id in known}

    async def prune(self, before: Millis, limit: int) -> int:
        state = self._state
        old = [slot for slot in state.key_usage if slot[1] < before][:limit]
        for slot in old:
            del state.key_usage[slot]
        for recorder in [r for r, (_, at) in state.usage_batches.items() if at < before]:
            del state.usage_batches[recorder]
        return len(old)
