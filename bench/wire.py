"""Counts what a client asks of a server: request messages on the wire, not packets."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

_CHUNK = 1 << 16

Splitter = Callable[[bytearray], Iterator[str]]
"""Takes whole messages off the front of what was sent, and gives their names."""


def mongodb(sent: bytearray) -> Iterator[str]:
    """Each command's name; watching whether the server lives (`hello`) is left out."""
    while len(sent) >= 4:
        length = int.from_bytes(sent[:4], "little")
        if len(sent) < length:
            return
        message = bytes(sent[:length])
        del sent[:length]
        # Header 16, flags 4, kind of section 1, length of the document 4, type of its first
        # element 1: then the element's name, which is the command's.
        name = message[26 : message.index(b"\0", 26)].decode(errors="replace")
        is_message = int.from_bytes(message[12:16], "little") == 2013
        if is_message and name not in ("hello", "ping"):
            yield name


def redis(sent: bytearray) -> Iterator[str]:
    while (end := _command_end(sent)) is not None:
        words = bytes(sent[:end]).split(b"\r\n", 3)
        del sent[:end]
        yield words[2].decode(errors="replace")


def _command_end(sent: bytearray) -> int | None:
    line = sent.find(b"\r\n")
    if line < 0:
        return None
    place = line + 2
    for _ in range(int(sent[1:line])):
        line = sent.find(b"\r\n", place)
        if line < 0:
            return None
        place = line + 2 + int(sent[place + 1 : line]) + 2
    return place if place <= len(sent) else None


def amqp(sent: bytearray) -> Iterator[str]:
    """Each method; a message's header and body belong to its publish. Heartbeats are left out."""
    if sent[:4] == b"AMQP":
        del sent[:8]
    while len(sent) >= 7:
        end = 7 + int.from_bytes(sent[3:7], "big") + 1
        if len(sent) < end:
            return
        kind, numbers = sent[0], bytes(sent[7:11])
        del sent[:end]
        if kind == 1:
            yield f"{int.from_bytes(numbers[:2], 'big')}.{int.from_bytes(numbers[2:], 'big')}"


class Wire:
    """`with Wire(host, port, split) as wire:` listens on `wire.port` of 127.0.0.1, in a thread of
    its own; `wire.asked` has the messages by name, of all connections together."""

    def __init__(self, host: str, port: int, split: Splitter) -> None:
        self._server = (host, port)
        self._split = split
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._listener: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._links: set[asyncio.Task[None]] = set()
        self.asked: Counter[str] = Counter()
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        listening = asyncio.start_server(self._accept, "127.0.0.1", 0)
        self._listener = asyncio.run_coroutine_threadsafe(listening, self._loop).result(10)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _accept(
        self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter
    ) -> None:
        from_server, to_server = await asyncio.open_connection(*self._server)
        task = asyncio.current_task()
        if task is not None:
            self._links.add(task)
            task.add_done_callback(self._links.discard)
        ends = {to_client, to_server}
        self._writers |= ends
        await asyncio.gather(self._requests(from_client, to_server), _pass(from_server, to_client))
        self._writers -= ends

    async def _requests(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        sent = bytearray()

        def count(data: bytes) -> None:
            sent.extend(data)
            self.asked.update(self._split(sent))

        await _pass(source, target, count)

    async def _end(self) -> None:
        if self._listener is not None:
            self._listener.close()
        for writer in self._writers:
            writer.transport.abort()
        if self._links:
            await asyncio.wait(self._links)


async def _pass(
    source: asyncio.StreamReader,
    target: asyncio.StreamWriter,
    heard: Callable[[bytes], None] = lambda data: None,
) -> None:
    """Until either end is closed; then the other is, too."""
    try:
        while data := await source.read(_CHUNK):
            target.write(data)
            heard(data)
    except ConnectionError:
        pass
    finally:
        target.close()
