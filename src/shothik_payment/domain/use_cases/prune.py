"""Taking away events, request records, webhooks, sessions and counts past their keeping."""

from __future__ import annotations

from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.key_usage import KEEP_USAGE, KeyUsage
from shothik_payment.domain.ports.pruning import (
    KEEP_EVENTS,
    KEEP_REQUESTS,
    KEEP_WEBHOOKS,
    Pruning,
)
from shothik_payment.domain.ports.web_sessions import WebSessions
from shothik_payment.domain.ports.webhook_inbox import WebhookInbox

PRUNE_BATCH = 1_000


class Prune:
    def __init__(
        self,
        pruning: Pruning,
        inbox: WebhookInbox,
        sessions: WebSessions,
        usage: KeyUsage,
        clock: Clock,
    ) -> None:
        self._pruning = pruning
        self._inbox = inbox
        self._sessions = sessions
        self._usage = usage
        self._clock = clock

    async def run(self) -> bool:
        """Delete one batch of each; whether more waits."""
        now = self._clock.now()
        events = await self._pruning.prune_events(Millis(now - KEEP_EVENTS), PRUNE_BATCH)
        requests = await self._pruning.prune_requests(Millis(now - KEEP_REQUESTS), PRUNE_BATCH)
        webhooks = await self._inbox.prune(Millis(now - KEEP_WEBHOOKS), PRUNE_BATCH)
        sessions = await self._sessions.prune(now, PRUNE_BATCH)
        usage = await self._usage.prune(Millis(now - KEEP_USAGE), PRUNE_BATCH)
        return PRUNE_BATCH in (events, requests, webhooks, sessions, usage)
