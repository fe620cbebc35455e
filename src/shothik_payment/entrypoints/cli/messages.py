"""What the commands that listen need."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from shothik_payment.domain.errors import Misconfigured
from shothik_payment.domain.ports.event_stream import EventStream
from shothik_payment.entrypoints.container import Container
from shothik_payment.entrypoints.settings import Settings

RETRY_SECONDS = 1.0


def require_broker(settings: Settings) -> None:
    """Raises Misconfigured where no other process can be reached."""
    if settings.broker == "memory":
        raise Misconfigured(
            "RABBITMQ_URL",
            "memory:// is in the server's process: there is nothing to reach from another one;"
            " set amqp://…",
        )


@asynccontextmanager
async def listening(container: Container) -> AsyncIterator[EventStream]:
    """The stream, its broker reached. Raises Misconfigured, Unavailable."""
    require_broker(container.settings())
    messages = container.messages()
    if messages.stream is None:
        raise TypeError("a broker without a stream")
    for connection in messages.connections:
        await connection.open()
    try:
        await messages.stream.states([])  # opening does not fail where the broker is away
        yield messages.stream
    finally:
        for connection in reversed(messages.connections):
            await connection.close()


async def until_told(work: Coroutine[Any, Any, None]) -> None:
    """Run until it is done, or SIGINT or SIGTERM comes."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        if not task.cancelled():
            raise
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
