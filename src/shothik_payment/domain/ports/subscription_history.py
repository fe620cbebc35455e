"""What has happened to a user's subscriptions."""

from __future__ import annotations

from typing import Protocol

from shothik_payment.domain.model.subscription import SubscriptionStep


class SubscriptionHistory(Protocol):
    async def of_user(self, user_id: str, before: int | None, limit: int) -> list[SubscriptionStep]:
        """Steps numbered below `before` (None: from the newest), newest first."""
        ...
