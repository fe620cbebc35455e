"""Opening and closing what the container made, in this order and back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from shothik_payment.domain.errors import PaymentServiceError
from shothik_payment.entrypoints.application import Application
from shothik_payment.entrypoints.background import Background, Chore
from shothik_payment.entrypoints.chores import refreshing, shared_work
from shothik_payment.entrypoints.container import Container
from shothik_payment.entrypoints.settings import Settings, without_password

log = structlog.get_logger(__name__)


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
        for connection in container.connections():
            await connection.open()
            stack.push_async_callback(connection.close)
        if container.settings().test_clock_on:
            await container.test_clock().load()
        application.writer.start()
        stack.push_async_callback(application.writer.stop)
        await application.active_services.refresh()
        for gateway in container.gateways().values():
            stack.push_async_callback(gateway.close)
        stack.push_async_callback(application.webhooks.close)
        if container.settings().sandbox_on:
            stack.push_async_callback(container.sandbox_notifier().close)
        if works:
            stack.push_async_callback(_leave, container)
            if (watch := container.worker().watch) is not None:
                stack.push_async_callback(watch.close)
            chores = [*chores, *shared_work(container.worker())]
        if chores:
            background = Background(chores)
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
    return [refreshing(container.active_services())]


async def _leave(container: Container) -> None:
    """Hand the work over at once; who cannot is dropped by the others after a while."""
    try:
        await container.worker().group.leave()
    except PaymentServiceError as error:
        log.warning("the shared work could not be handed over", error=str(error))
