"""A TCP proxy between the service and a server, which loses what a test tells it to lose."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import Self

_CHUNK = 65_536


@dataclass(eq=False)
class _Link:
    """One client's connection, and its own to the server. `losing`: its next answer is lost."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    losing: bool = False

    def abort(self) -> None:
        for writer in (self.client, self.server):
            writer.transport.abort()


class Proxy:
    """`async with Proxy(host, port) as proxy:` listens on `proxy.port` of 127.0.0.1.

    `delay_seconds` holds back whatever goes either way. `lost` is set when something was lost on
    purpose; clear it to wait for the next loss.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._server_port = port
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._refusing = False
        self._answers_left: int | None = None
        self._answer_to: tuple[bytes, int, bool] | None = None
        self._request: bytes | None = None
        self.delay_seconds = 0.0
        self.lost = asyncio.Event()
        self.port = 0

    # What goes wrong

    def cut(self) -> None:
        """Every connection ends at once; new ones are let through."""
        for link in self._links:
            link.abort()

    def refuse(self) -> None:
        """Every connection ends, and new ones do at once, until `heal`."""
        self._refusing = True
        self.cut()

    def swallow_answers(self, after_bytes: int = 0) -> None:
        """Connections stay, requests arrive, but of what the server says only `after_bytes` more
        come through, over all connections, until `heal`."""
        self._answers_left = after_bytes

    def lose_answer_to(self, marker: bytes, times: int = 1, *, then_refuse: bool = False) -> None:
        """The next request with these bytes in it reaches the server; its answer is thrown away
        and the connection cut. `then_refuse`: as `refuse`, from that moment on."""
        self._answer_to = (marker, times, then_refuse)

    def lose_request(self, marker: bytes) -> None:
        """The next request with these bytes in it does not arrive; its connection is cut."""
        self._request = marker

    def heal(self) -> None:
        """All is well again; what was swallowed stays so, its connections are cut."""
        if self._answers_left is not None:
            self.cut()
        self._refusing = False
        self._answers_left = self._answer_to = self._request = None
        self.delay_seconds = 0.0

    # The proxy itself

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._listener.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(
        self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self._refusing:
            to_client.transport.abort()
            return
        try:
            from_server, to_server = await asyncio.open_connection(self._host, self._server_port)
        except OSError:
            to_client.transport.abort()
            return
        link = _Link(to_client, to_server)
        self._links.add(link)
        ways = (self._requests(link, from_client), self._answers(link, from_server))
        try:
            # When one way has ended, so has the other.
            await asyncio.wait(
                [asyncio.ensure_future(way) for way in ways], return_when="FIRST_COMPLETED"
            )
        finally:
            link.abort()
            self._links.discard(link)

    async def _requests(self, link: _Link, source: asyncio.StreamReader) -> None:
        tail = b""
        while data := await _read(source):
            seen, tail = tail + data, data[-64:]
            if self._request is not None and self._request in seen:
                self._request = None
                self._lose(link)
                return
            if self._answer_to is not None and self._answer_to[0] in seen:
                link.losing = True
            await self._forward(data, link.server)

    async def _answers(self, link: _Link, source: asyncio.StreamReader) -> None:
        while data := await _read(source):
            if link.losing:
                self._lose_answer(link)
                return
            if self._answers_left is not None:
                data = data[: self._answers_left]
                self._answers_left -= len(data)
                self.lost.set()
            await self._forward(data, link.client)

    async def _forward(self, data: bytes, target: asyncio.StreamWriter) -> None:
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        target.write(data)
        try:
            await target.drain()
        except ConnectionError:
            target.transport.abort()

    def _lose_answer(self, link: _Link) -> None:
        if self._answer_to is not None:
            marker, times, then_refuse = self._answer_to
            self._answer_to = (marker, times - 1, then_refuse) if times > 1 else None
            if then_refuse:
                self.refuse()
        self._lose(link)

    def _lose(self, link: _Link) -> None:
        link.abort()
        self.lost.set()


async def _read(source: asyncio.StreamReader) -> bytes:
    try:
        return await source.read(_CHUNK)
    except ConnectionError:
        return b""
