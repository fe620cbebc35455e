"""Public keys from an identity provider's JWKS address."""

from __future__ import annotations

import asyncio

import httpx
import jwt

from shothik_payment.adapters.jwt.keys import KeyInUse, key_in_use
from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.model.time import MINUTE, SECOND, Millis
from shothik_payment.domain.ports.clock import Clock

_FRESH_MS = 5 * MINUTE
_USABLE_MS = 60 * MINUTE
_PAUSE_MS = 10 * SECOND
_TIMEOUT_SECONDS = 3.0
_MAX_BYTES = 256 * 1024


class JwksKeys:
    """Keys are fetched when first needed and again after five minutes; while the provider is
    away, the last ones serve for an hour.

    An unknown key id has them fetched as well, since the provider may have rotated, but not
    sooner than ten seconds after the last attempt: made-up ids must not become requests.
    """

    def __init__(
        self, url: str, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """`transport` None: the network."""
        self._url = url
        self._clock = clock
        self._transport = transport
        self._keys: dict[str | None, KeyInUse] = {}
        self._fetched_at: Millis | None = None
        self._tried_at: Millis | None = None
        self._fetching = asyncio.Lock()

    async def key_for(self, key_id: str | None) -> KeyInUse | None:
        if not self._within(self._fetched_at, _FRESH_MS) or key_id not in self._keys:
            await self._refresh(key_id)
        if not self._within(self._fetched_at, _USABLE_MS):
            raise Unavailable("The keys that tokens are verified with cannot be fetched.")
        return self._keys.get(key_id)

    def _within(self, at: Millis | None, span_ms: int) -> bool:
        return at is not None and 0 <= self._clock.now() - at < span_ms

    async def _refresh(self, key_id: str | None) -> None:
        async with self._fetching:
            if self._within(self._tried_at, _PAUSE_MS):
                return
            self._tried_at = self._clock.now()
            try:
                self._keys = await self._fetch()
            except (httpx.HTTPError, ValueError, jwt.PyJWTError):
                return  # the last keys serve on; without any, the caller is told
            self._fetched_at = self._clock.now()

    async def _fetch(self) -> dict[str | None, KeyInUse]:
        async with httpx.AsyncClient(transport=self._transport, timeout=_TIMEOUT_SECONDS) as client:
            answer = await client.get(self._url, headers={"Accept": "application/json"})
        answer.raise_for_status()
        if len(answer.content) > _MAX_BYTES:
            raise ValueError("too large for a key set")
        document = answer.json()
        entries = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(entries, list):
            raise ValueError("not a key set")
        keys: dict[str | None, KeyInUse] = {}
        for entry in entries:
            try:
                keys[entry.get("kid")] = key_in_use(jwt.PyJWK.from_dict(entry).key)
            except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
                continue  # a set may hold keys for other uses than ours
        if len(keys) == 1:
            # A token without a key id can only mean the one key that there is.
            keys.setdefault(None, next(iter(keys.values())))
        return keys
