"""How the simulator sends webhooks, as the tests of whole flows rely on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import stripe as sdk

from tests.integration.stripe.support import Desk, session_of
from tests.simulators.stripe import Simulator


@asynccontextmanager
async def receiver(answers: Callable[[bytes], int]) -> AsyncIterator[str]:
    """Where webhooks may be sent to."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        status = answers(head + await reader.readexactly(size))
        writer.write(
            f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode()
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}/hook"


async def test_sending_to_order(ours: Desk, stripe: Simulator) -> None:
    for _ in range(2):
        await stripe.pay(session_of(await ours.opened()))
    sessions = await stripe.events("checkout.session")
    seen: list[str] = []

    def take(request: bytes) -> int:
        head, _, body = request.partition(b"\r\n\r\n")
        _, _, value = next(
            line for line in head.decode().split("\r\n") if line.lower().startswith("stripe-")
        ).partition(": ")
        sdk.WebhookSignature.verify_header(body, value, stripe.webhook_secret, 300)
        seen.append(json.loads(body)["id"])
        return 200

    async with receiver(take) as address:
        ids = [e["id"] for e in sessions]
        assert await stripe.send_webhooks([address], sessions, order="reversed") == [200, 200]
        assert seen == ids[::-1]
        seen.clear()
        sent = await stripe.send_webhooks([address] * 2, sessions, copies=30, order="shuffled")
        assert sent == [200] * 60
        assert sorted(seen) == sorted(ids * 30)
        assert seen != ids * 30
    assert await stripe.send_webhooks([address], sessions) == [0, 0]


async def test_sent_until_taken(ours: Desk, stripe: Simulator) -> None:
    taken = asyncio.Event()
    refused = 0

    def take(request: bytes) -> int:
        nonlocal refused
        if b"checkout.session.completed" not in request:
            return 200
        if refused < 2:
            refused += 1
            return 503
        taken.set()
        return 200

    async with receiver(take) as address:
        await stripe.send_webhooks_to(address)
        await stripe.pay(session_of(await ours.opened()))
        await asyncio.wait_for(taken.wait(), 30)
        await stripe.send_webhooks_to(None)
