"""Taking away what is past its keeping."""

from __future__ import annotations

from typing import Protocol

from shothik_payment.domain.model.time import DAY, Millis

KEEP_EVENTS = 30 * DAY
KEEP_REQUESTS = 30 * DAY
KEEP_WEBHOOKS = 30 * DAY


class Pruning(Protocol):
    async def prune_events(self, before: Millis, limit: int) -> int:
        """Delete published events from before then, each user's oldest first, at most `limit`; how
        many. What is not published stays, and all of that user's that follow it. How far a user's
        events are gone is remembered: see `AuditedUser.pruned_through`."""
        ...

    async def prune_requests(self, before: Millis, limit: int) -> int:
        """Delete request records from before then, at most `limit`; how many."""
        ...
