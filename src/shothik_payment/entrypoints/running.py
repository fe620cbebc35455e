"""Opening and closing what the container made, in this order and back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from shothik_payment.domain.errors import PaymentServiceError
from shothik_payment.domain.use_cases.key_usage import UsageRecorder
from shothik_payment.entrypoints.application import Application
from shothik_payment.entrypoints.background import Background, Chore
from shothik_payment.entrypoints.chores import counting, refreshing, shared_work
from shothik_payment.entrypoints.container import Container
from shothik_payment.entrypoints.settings import Settings, without_password
from shothik_payment.entrypoints.telling import telling_queue

log = structlog.get_logger(__name__)

_USAGE_SECONDS = 3.0
"""A process is killed that takes ten to stop."""
_USAGE_PAUSE_SECONDS = 0.2


@asynccontextmanager
async def running(
    container: Container, *, chores: Sequence[Chore] = (), works: bool = False
) -> AsyncIterator[Application]:
    """The application with its connections open, its writer at work and `chores` running; `works`:
    and with its part of the background work. On leaving, what the writer has admitted is answered
    before the store closes. Raises Unavailable or StoreCorrupt where the store cannot be opened;
    a cache or broker that is away is waited for meanwhile.
    """
    application: Application = container.application()
    async with AsyncExitStack() as stack:
        if (tracer := container.observing().tracer) is not None:
            stack.push_async_callback(tracer.close)
        for connection in container.connections():
            await connection.open()
            stack.push_async_callback(connection.close)
        if container.settings().test_clock_on:
            await container.test_clock().load()
        application.writer.start()
        stack.push_async_callback(application.writer.stop)
        await application.active_services.refresh()
        stack.push_async_callback(_store_usage, application.key_uses)
        for gateway in container.gateways().values():
            stack.push_async_callback(gateway.close)
        stack.push_async_callback(application.webhooks.close)
        if container.settings().sandbox_on:
            stack.push_async_callback(container.sandbox_notifier().close)
        if works:
            stack.push_async_callback(_leave, container)
            if (watch := container.worker().watch) is not None:
                stack.push_async_callback(watch.close)
            chores = [*chores, *shared_work(container.worker()), container.telling_backlog()]
        if chores:
            background = Background(chores, container.observer())
            stack.push_async_callback(background.stop)
            background.start()
        yield application


def parts(settings: Settings) -> dict[str, str]:
    """What a process works with, for its log."""
    return {
        "store": without_password(settings.database_url),
        "cache": without_password(settings.redis_url),
        "broker": without_password(settings.rabbitmq_url),
    }


def serving(container: Container) -> list[Chore]:
    """What a process that answers requests runs."""
    return [
        refreshing(container.active_services()),
        counting(container.key_uses()),
        telling_queue(container.writer(), container.observer()),
    ]


async def _store_usage(uses: UsageRecorder) -> None:
    """What was counted since the last flush; the store may be away for a moment."""
    deadline = time.monotonic() + _USAGE_SECONDS
    while True:
        try:
            await asyncio.wait_for(uses.flush(final=True), _USAGE_SECONDS)
            return
        except (PaymentServiceError, TimeoutError) as error:
            if time.monotonic() + _USAGE_PAUSE_SECONDS >= deadline:
                log.error("usage of API keys is lost", requests=uses.waiting(), error=str(error))
                return
        await asyncio.sleep(_USAGE_PAUSE_SECONDS)


async def _leave(container: Container) -> None:
    """Hand the work over at once; who cannot is dropped by the others after a while."""
    try:
        await container.worker().group.leave()
    except PaymentServiceError as error:
        log.warning("the shared work could not be handed over", error=str(error))
