"""Stripe tells of what happened: signed, at least once, in any order."""

from __future__ import annotations

import asyncio
import json
import random
from itertools import cycle

import httpx
import stripe

from tests.simulators.stripe.shapes import Json

_AT_ONCE = 32
_RETRIES = 60
_PAUSE_SECONDS = 0.25


def signed(event: Json, secret: str, at: int | None = None) -> tuple[bytes, dict[str, str]]:
    """The raw body and its header; `at` in seconds since the epoch, None: now."""
    body = json.dumps(event)
    header = stripe.WebhookSignature.generate_signature_header(body, secret, at)
    return body.encode(), {"stripe-signature": header}


class Sender:
    """`register`: each event from then on is sent at once, and again until it is taken."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(trust_env=False, timeout=30)
        self._endpoint: tuple[str, str] | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    def register(self, address: str | None, secret: str) -> None:
        self._endpoint = None if address is None else (address, secret)

    def happened(self, event: Json) -> None:
        if self._endpoint is None:
            return
        task = asyncio.get_running_loop().create_task(self._until_taken(event, *self._endpoint))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def send(
        self, events: list[Json], addresses: list[str], secret: str, copies: int, order: str
    ) -> list[int]:
        """The answers' status codes, 0 where there was none, in the order of sending: one address
        after the other takes its turn. `order`: forward, reversed or shuffled."""
        sent = [event for event in events for _ in range(copies)]
        if order == "reversed":
            sent.reverse()
        elif order == "shuffled":
            random.Random(len(sent)).shuffle(sent)  # the same each time
        if order != "shuffled":
            pairs = zip(sent, cycle(addresses), strict=False)
            return [await self._post(event, to, secret) for event, to in pairs]
        turns = asyncio.Semaphore(_AT_ONCE)

        async def one(event: Json, to: str) -> int:
            async with turns:
                return await self._post(event, to, secret)

        pairs = zip(sent, cycle(addresses), strict=False)
        return list(await asyncio.gather(*(one(event, to) for event, to in pairs)))

    async def _until_taken(self, event: Json, address: str, secret: str) -> None:
        for _ in range(_RETRIES):
            if 200 <= await self._post(event, address, secret) < 300:
                return
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _post(self, event: Json, address: str, secret: str) -> int:
        body, headers = signed(event, secret)
        headers["content-type"] = "application/json; charset=utf-8"
        try:
            return (await self._client.post(address, content=body, headers=headers)).status_code
        except httpx.HTTPError:
            return 0
