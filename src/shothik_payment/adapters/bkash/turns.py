from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.ports.shared_lock import SharedLock

log = structlog.get_logger(__name__)

_TTL_SECONDS = 120.0


@asynccontextmanager
async def turn(lock: SharedLock, name: str, wait_seconds: float) -> AsyncIterator[None]:
    """Alone, where that can be had; else not alone. So the others are mostly waited for and their
    result is found, and what must not happen twice is made sure of in another way."""
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(
                lock.hold(name, ttl_seconds=_TTL_SECONDS, wait_seconds=wait_seconds)
            )
        except Unavailable as error:
            log.info("going on without a lock", name=name, error=error.reason)
        yield
