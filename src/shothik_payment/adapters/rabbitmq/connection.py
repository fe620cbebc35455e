"""One connection to RabbitMQ, made when first needed and anew after every loss."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from dataclasses import dataclass
from typing import Any

import aiormq
import structlog
from aio_pika import RobustConnection
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import CONNECTION_EXCEPTIONS
from aiormq.exceptions import ProbableAuthenticationError
from faststream.rabbit import RabbitBroker
from yarl import URL

from shothik_payment.adapters.rabbitmq.topology import PAYMENT_EVENTS
from shothik_payment.domain.errors import DependencyUnavailable, Misconfigured, Unavailable

log = structlog.get_logger(__name__)

_CONNECT_SECONDS = 5.0
_CLOSE_SECONDS = 3.0
_HEARTBEAT_SECONDS = 10


@dataclass(eq=False, slots=True)
class Link:
    """A connection while it lasts. `confirming`: the channel to publish on; what cannot be routed
    comes back there as its confirmation."""

    _robust: RobustConnection
    amqp: aiormq.abc.AbstractConnection
    confirming: aiormq.Channel

    @property
    def is_lost(self) -> bool:
        return self.amqp.is_closed or self.confirming.is_closed


class RabbitConnection:
    """The library's own reconnecting is not used: what a lost channel was waiting for is lost in
    any case. Whoever finds the link broken drops it, and the next who needs one makes it."""

    def __init__(self, url: str) -> None:
        """Raises Misconfigured, and never says the URL: a password may be in it."""
        self._url = _checked(url)
        self._link: Link | None = None
        self._connecting: asyncio.Task[Link] | None = None
        self._ending: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"RabbitConnection({self._url.host}:{self._url.port})"

    async def open(self) -> None:
        """Does not fail where the broker is away: the next who needs it tries again."""
        try:
            async with self.use(_CONNECT_SECONDS):
                pass
        except Unavailable as error:
            log.warning("broker_unavailable", reason=str(error))

    async def close(self) -> None:
        if self._connecting is not None:
            # Left behind it would go on for ever, and the process with it.
            await asyncio.wait([self._connecting], timeout=_CONNECT_SECONDS + 1)
        self._drop(self._link)
        if self._ending:
            await asyncio.wait(self._ending, timeout=_CLOSE_SECONDS)

    @asynccontextmanager
    async def use(self, seconds: float, *, drop: bool = True) -> AsyncIterator[Link]:
        """What fails inside, or takes longer, is told as Unavailable. Nobody knows then how far it
        got, so the link is dropped, unless `drop` says otherwise."""
        link = None
        try:
            async with answered(seconds, f" at {self._url.host}:{self._url.port}"):
                async with asyncio.timeout(_CONNECT_SECONDS):
                    link = await self._linked()
                yield link
        except BaseException:
            if drop:
                self._drop(link)
            raise

    async def _linked(self) -> Link:
        if self._link is not None and not self._link.is_lost:
            return self._link
        self._drop(self._link)
        if self._connecting is None:
            # In no request's context: it goes on for all of them.
            self._connecting = asyncio.create_task(self._connect(), context=Context())
            self._connecting.add_done_callback(self._connected)
        # Others may wait for it too; and cancelled, the library would try again for ever.
        return await asyncio.shield(self._connecting)

    def _connected(self, task: asyncio.Task[Link]) -> None:
        self._connecting = None
        if not task.cancelled() and task.exception() is None:
            self._link = task.result()

    async def _connect(self) -> Link:
        broker = RabbitBroker(
            self._url,
            timeout=_CONNECT_SECONDS,
            on_close=[self._lost],
            app_id=None,
            logger=None,
            apply_types=False,
        )
        robust = await broker.connect()
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await broker.declare_exchange(PAYMENT_EVENTS)
                if robust.transport is None:
                    raise ConnectionError("The connection was lost at once.")
                amqp = robust.transport.connection
                channel = await amqp.channel(publisher_confirms=True, on_return_raises=False)
        except BaseException:
            self._end(robust)
            raise
        if not isinstance(channel, aiormq.Channel):
            raise TypeError(type(channel))
        return Link(robust, amqp, channel)

    def _lost(self, robust: AbstractConnection | None, _: BaseException | None) -> None:
        if self._link is not None and self._link._robust is robust:
            self._link = None
        if robust is not None:
            self._end(robust)  # or it would reconnect by itself

    def _drop(self, link: Link | None) -> None:
        if link is not None and link is self._link:
            self._link = None
            self._end(link._robust)

    def _end(self, robust: AbstractConnection) -> None:
        task = asyncio.create_task(_ended(robust))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


@asynccontextmanager
async def answered(seconds: float, at: str = "") -> AsyncIterator[None]:
    """What fails inside, or takes longer, is told as Unavailable. `at`: to operators."""
    task = asyncio.current_task()
    asked_before = 0 if task is None else task.cancelling()
    try:
        async with asyncio.timeout(seconds):
            yield
    except Exception as error:
        _end_if_cancelled(task, asked_before)
        translated = _translated(error, at)
        if translated is None:
            raise
        raise translated from error
    except asyncio.CancelledError as error:
        _end_if_cancelled(task, asked_before)
        # Nobody asked us to end: the library ends so what waits for a lost connection.
        raise Unavailable("The connection to the message broker was lost.") from error
    _end_if_cancelled(task, asked_before)


def _end_if_cancelled(task: asyncio.Task[Any] | None, asked_before: int) -> None:
    """The library loses a cancellation that comes while it closes a channel."""
    if task is not None and task.cancelling() > asked_before:
        raise asyncio.CancelledError


async def _ended(robust: AbstractConnection) -> None:
    with suppress(asyncio.CancelledError, *CONNECTION_EXCEPTIONS):
        await robust.close()


def _checked(text: str) -> URL:
    try:
        url = URL(text)
        # An @ behind the host means a password with a slash, ? or # in it.
        whole = "@" not in "".join(re.split("[/?#]", text.partition("://")[2], maxsplit=1)[1:])
        if whole and url.scheme in ("amqp", "amqps") and url.host and url.explicit_port != 0:
            return url if "heartbeat" in url.query else url % {"heartbeat": _HEARTBEAT_SECONDS}
    except ValueError:
        pass  # its words hold a part of the URL
    raise Misconfigured(
        "RABBITMQ_URL",
        "expected amqp://user:password@host:port/virtual-host, with special characters"
        " percent-encoded",
    )


def _translated(error: Exception, at: str) -> Unavailable | None:
    if isinstance(error, TimeoutError):
        silent = "The message broker does not answer."
        return DependencyUnavailable(silent, f"The message broker{at} does not answer.")
    if isinstance(error, ProbableAuthenticationError):
        said = f"The message broker{at} refuses the user of RABBITMQ_URL, or its password."
        return DependencyUnavailable("The message broker refuses this service.", said)
    if isinstance(error, CONNECTION_EXCEPTIONS):
        away = "The message broker is away."
        return DependencyUnavailable(away, f"{away} ({str(error) or type(error).__name__})")
    return None
