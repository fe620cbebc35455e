"""Opening and closing what the container made, in this order and back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shothik_payment.entrypoints.application import Application
from shothik_payment.entrypoints.container import Container


@asynccontextmanager
async def running(container: Container, *, background: bool) -> AsyncIterator[Application]:
    """The application with its store open and its writer at work; with background work where a
    server asks for it. On leaving, what the writer has admitted is answered before the store
    closes. Raises Unavailable or StoreCorrupt where the store cannot be opened.
    """
    application: Application = container.application()
    database = container.database_to_open()
    if database is not None:
        await database.open()
    try:
        application.writer.start()
        try:
            await application.active_services.refresh()
            if background:
                container.background().start()
            try:
                yield application
            finally:
                if background:
                    await container.background().stop()
                    if container.settings().sandbox_on:
                        await container.sandbox_notifier().close()
        finally:
            await application.writer.stop()
    finally:
        if database is not None:
            await database.close()
