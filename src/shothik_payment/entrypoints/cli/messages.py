"""What the commands that listen need."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
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
    async with event_stream(container) as stream:
        await stream.states([])  # opening does not fail where the broker is away
        yield stream


@asynccontextmanager
async def event_stream(container: Container) -> AsyncIterator[EventStream]:
    """The stream, whether or not its broker answers. Raises Misconfigured."""
    require_broker(container.settings())
    messages = container.messages()
    if messages.stream is None:
        raise TypeError("a broker without a stream")
    try:
        for connection in messages.connections:
            await connection.open()
        yield messages.stream
    finally:
        for connection in reversed(messages.connections):
            await connection.close()


async def until_told(work: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    """Run until it is done, or SIGINT or SIGTERM comes.

    The event is set then, and what waits is cancelled. A loop has to look at the event: a library
    that is asked meanwhile may lose the cancellation, as `asyncio.wait_for` does up to Python 3.11.
    """
    told = asyncio.Event()
    task = asyncio.ensure_future(work(told))

    def tell() -> None:
        told.set()
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, tell)
    try:
        await task
    except asyncio.CancelledError:
        if not task.cancelled():
            raise
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
