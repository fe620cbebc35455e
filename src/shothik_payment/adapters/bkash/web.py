"""HTTP that goes where it is told and nowhere else."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

_CONNECT_SECONDS = 5.0


class TooLarge(httpx.HTTPError):
    """More came than was to be read."""


class Web:
    """No proxy from the environment, no redirect, nothing compressed, no cookie sent back."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(None, connect=_CONNECT_SECONDS, pool=_CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=16),
            headers={"accept": "application/json", "accept-encoding": "identity"},
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def fetch(
        self, method: str, url: str, seconds: float, max_bytes: int, **options: Any
    ) -> tuple[int, bytes]:
        """Status and body. Raises httpx.HTTPError, and TimeoutError where all of it takes longer
        than `seconds`."""
        body = bytearray()
        async with (
            asyncio.timeout(seconds),
            self._client.stream(method, url, **options) as answer,
        ):
            async for chunk in answer.aiter_raw():
                body += chunk
                if len(body) > max_bytes:
                    raise TooLarge("The answer is too large.")
        return answer.status_code, bytes(body)
