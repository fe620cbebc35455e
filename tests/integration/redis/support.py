"""The service in process as it runs in earnest: the container's wiring, a file, and Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from shothik_payment.entrypoints.application import Application
from shothik_payment.entrypoints.container import make_container
from shothik_payment.entrypoints.http.app import create_app
from shothik_payment.entrypoints.running import running
from shothik_payment.entrypoints.settings import Settings
from tests.support.servers.redis import RedisServer

SECRET = "a-secret-for-tests-that-is-long-enough-for-hs256"


@dataclass
class Served:
    application: Application
    client: httpx.AsyncClient
    """With a key of the paraphrase service."""
    key_id: str

    async def give(self, user_id: str, amount: int) -> None:
        await self.application.admin_credits.adjust(user_id, amount, "test")

    async def deduct(self, user_id: str, key: str | None = None) -> httpx.Response:
        """One credit."""
        headers = {} if key is None else {"Idempotency-Key": key}
        body = {"userId": user_id, "amount": 1}
        return await self.client.post("/deduct", json=body, headers=headers)

    async def balance(self, user_id: str) -> int:
        return (await self.application.wallet_views.wallet(user_id)).available


@asynccontextmanager
async def serving(folder: Path, server: RedisServer, **settings: Any) -> AsyncIterator[Served]:
    """Several on one folder are as many processes of one service."""
    chosen: dict[str, Any] = {
        "database_url": f"sqlite:///{folder / 'store.db'}",
        "redis_url": server.url,
        "jwt_secret": SECRET,
        **settings,
    }
    container = make_container(Settings(**chosen))
    async with running(container) as application:
        made, key = await application.key_administration.generate("paraphrase", actor="test")
        transport = httpx.ASGITransport(create_app(application, container.http_settings()))  # type: ignore[arg-type]
        async with httpx.AsyncClient(
            transport=transport,
            base_url="http://test/api/v1",
            headers={"Authorization": f"ApiKey {key}"},
        ) as client:
            yield Served(application, client, made.id)
