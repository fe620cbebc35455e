from __future__ import annotations

from typing import Any

import msgspec

from shothik_payment.adapters import codec
from shothik_payment.adapters.sqlite.database import SqliteDatabase
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.gateway import Notification
from shothik_payment.domain.ports.webhook_inbox import Webhook

_decode_notification = msgspec.json.Decoder(Notification).decode

_ADD = """
    INSERT INTO webhooks (gateway, event_id, body, received_at, attempts, due_at)
    VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
_DUE = """
    SELECT gateway, body, received_at, attempts FROM webhooks
    WHERE due_at <= ? ORDER BY due_at, rowid LIMIT ?
"""
_WAITING = "WHERE gateway = ? AND event_id = ? AND due_at IS NOT NULL"
_POSTPONE = f"UPDATE webhooks SET attempts = attempts + 1, due_at = ? {_WAITING}"  # noqa: S608
_HANDLED = f"UPDATE webhooks SET due_at = NULL, result = ?, handled_at = ? {_WAITING}"  # noqa: S608
_PRUNE = """
    DELETE FROM webhooks WHERE rowid IN (
        SELECT rowid FROM webhooks WHERE due_at IS NULL AND received_at < ?
        ORDER BY received_at LIMIT ?
    )
"""


class SqliteWebhookInbox:
    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def add(self, webhook: Webhook) -> bool:
        body = codec.encode(webhook.notification).decode()
        times = webhook.received_at, webhook.attempts, webhook.received_at
        return await self._write(_ADD, *_key(webhook), body, *times) == 1

    async def due(self, at: Millis, limit: int) -> list[Webhook]:
        def found(rows: list[Any]) -> list[Webhook]:
            return [
                Webhook(gateway, _decode_notification(body), Millis(received_at), attempts)
                for gateway, body, received_at, attempts in rows
            ]

        return await self._database.read(lambda c: found(c.execute(_DUE, (at, limit)).fetchall()))

    async def postpone(self, webhook: Webhook, until: Millis) -> None:
        await self._write(_POSTPONE, until, *_key(webhook))

    async def handled(self, webhook: Webhook, result: str, at: Millis) -> None:
        await self._write(_HANDLED, result, at, *_key(webhook))

    async def prune(self, before: Millis, limit: int) -> int:
        return await self._write(_PRUNE, before, limit)

    async def _write(self, statement: str, *values: Any) -> int:
        """How many rows it changed."""
        return await self._database.write(lambda c: c.execute(statement, values).rowcount)


def _key(webhook: Webhook) -> tuple[str, str]:
    return webhook.gateway, webhook.notification.event_id
