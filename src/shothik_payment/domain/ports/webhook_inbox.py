"""Webhooks that were verified: stored before they are acknowledged, handled afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.gateway import Notification


@dataclass(frozen=True, slots=True)
class Webhook:
    """`attempts`: how often handling it has failed."""

    gateway: str
    notification: Notification
    received_at: Millis
    attempts: int = 0


class WebhookInbox(Protocol):
    """A webhook is known by its gateway and the notification's event id. Every call raises
    Unavailable."""

    async def add(self, webhook: Webhook) -> bool:
        """Store it for good, due at once; False: it is known already, and nothing was changed."""
        ...

    async def due(self, at: Millis, limit: int) -> list[Webhook]:
        """Those not handled yet whose time has come by `at`, longest waiting first."""
        ...

    async def postpone(self, webhook: Webhook, until: Millis) -> None:
        """Count an attempt, and have it due again at `until`; nothing where it is handled."""
        ...

    async def handled(self, webhook: Webhook, result: str, at: Millis) -> None:
        """It is due no more. `result` is for whoever looks: a few words without anything secret."""
        ...

    async def prune(self, before: Millis, limit: int) -> int:
        """Forget those received before then and handled, `limit` at most; how many. A copy that
        comes later is taken for new, which is harmless."""
        ...
