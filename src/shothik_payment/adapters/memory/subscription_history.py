from __future__ import annotations

from shothik_payment.adapters import codec
from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.domain.model.subscription import SubscriptionStep


class MemorySubscriptionHistory:
    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def of_user(self, user_id: str, before: int | None, limit: int) -> list[SubscriptionStep]:
        steps = [codec.decode_step(stored) for stored in self._state.steps.get(user_id, [])]
        older = [step for step in steps if before is None or step.number < before]
        return older[::-1][:limit]
