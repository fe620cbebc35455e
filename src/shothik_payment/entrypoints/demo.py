"""`serve --demo`: what it takes to try the service out, printed once it answers."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import httpx
import structlog

from shothik_payment.domain.errors import PaymentServiceError
from shothik_payment.domain.ports.tokens import TokenIssuer
from shothik_payment.domain.use_cases.principals import ADMIN_ROLE
from shothik_payment.entrypoints.application import Application
from shothik_payment.entrypoints.settings import Settings

log = structlog.get_logger(__name__)

USER = "demo_user"
CREDITS = 100
_SERVICE = "paraphrase"
_KEY_NAME = "demo"
_ACTOR = "demo"
_TOKEN_SECONDS = 12 * 3600
_PAGE = 200


class Demo:
    def __init__(self, settings: Settings, application: Application, issuer: TokenIssuer) -> None:
        self._settings = settings
        self._application = application
        self._issuer = issuer
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="demo")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        try:
            await self._answering()
            await self._give_credits()
            key = await self._only_key()
            print(_guide(self._settings, key, self._token()), flush=True)
        except PaymentServiceError as error:
            log.error("the demo could not be set up", error=str(error))

    async def _answering(self) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
            while True:
                with suppress(httpx.HTTPError):
                    answer = await client.get(f"{self._settings.own_url}/health/live")
                    if answer.is_success:
                        return
                await asyncio.sleep(0.05)

    async def _give_credits(self) -> None:
        wallet = await self._application.wallet_views.wallet(USER)
        if wallet.available < CREDITS:
            missing = CREDITS - wallet.available
            await self._application.admin_credits.adjust(USER, missing, "demo credits")

    async def _only_key(self) -> str:
        """A new key; those of earlier demos are revoked, since nobody can know them any more."""
        administration = self._application.key_administration
        after = None
        while True:
            page, after = await administration.list(_SERVICE, after, _PAGE)
            for key in page:
                if key.name == _KEY_NAME and key.revoked_at is None:
                    await administration.revoke(key.id, actor=_ACTOR)
            if after is None:
                break
        _, plain = await administration.generate(_SERVICE, actor=_ACTOR, name=_KEY_NAME)
        return plain or ""

    def _token(self) -> str | None:
        try:
            return self._issuer.issue("admin", ADMIN_ROLE, _TOKEN_SECONDS)
        except PaymentServiceError:
            return None  # tokens come from elsewhere


def _guide(settings: Settings, key: str, token: str | None) -> str:
    """Long values stand alone on a line, so that they can be copied whole."""
    url = settings.own_url
    admin = token or "(tokens are made by whoever holds the signing key)"
    return f"""
Shothik Payment Service
  API       {url}/api/v1
  Reference {url}/schema
  Panel     {url}/admin, with the admin token below
  Account   {url}/account, with a user's token, as of
            .venv/bin/shothik-payment token --user {USER}

Demo key of paraphrase_service (keys of earlier demos are revoked)
{key}

Admin token, for 12 hours
{admin}

{USER} has credits. A first request, to paste into another terminal:

curl -X POST {url}/api/v1/deduct \\
  -H 'Content-Type: application/json' \\
  -H 'Authorization: ApiKey {key}' \\
  -d '{{"userId": "{USER}", "amount": 5, "feature": "text_paraphrase"}}'

Ctrl-C stops the service.
"""
