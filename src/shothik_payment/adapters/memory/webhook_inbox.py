from __future__ import annotations

from dataclasses import replace

from shothik_payment.adapters.memory.state import KeptWebhook, MemoryState
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.webhook_inbox import Webhook


class MemoryWebhookInbox:
    def __init__(self, state: MemoryState) -> None:
        self._webhooks = state.webhooks

    async def add(self, webhook: Webhook) -> bool:
        kept = KeptWebhook(webhook, webhook.received_at)
        return self._webhooks.setdefault(_key(webhook), kept) is kept

    async def due(self, at: Millis, limit: int) -> list[Webhook]:
        found = [
            (kept.due_at, kept.webhook)
            for kept in self._webhooks.values()
            if kept.due_at is not None and kept.due_at <= at
        ]
        return [webhook for _, webhook in sorted(found, key=lambda entry: entry[0])[:limit]]

    async def postpone(self, webhook: Webhook, until: Millis) -> None:
        kept = self._waiting(webhook)
        if kept is not None:
            kept.webhook = replace(kept.webhook, attempts=kept.webhook.attempts + 1)
            kept.due_at = until

    async def handled(self, webhook: Webhook, result: str, at: Millis) -> None:
        kept = self._waiting(webhook)
        if kept is not None:
            kept.due_at, kept.result = None, result

    async def prune(self, before: Millis, limit: int) -> int:
        old = [
            key
            for key, kept in self._webhooks.items()
            if kept.due_at is None and kept.webhook.received_at < before
        ][:limit]
        for key in old:
            del self._webhooks[key]
        return len(old)

    def _waiting(self, webhook: Webhook) -> KeptWebhook | None:
        kept = self._webhooks.get(_key(webhook))
        return None if kept is None or kept.due_at is None else kept


def _key(webhook: Webhook) -> tuple[str, str]:
    return webhook.gateway, webhook.notification.event_id
