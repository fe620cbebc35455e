"""What requests ask of Redis, many in one round trip."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Generator
from contextvars import Context
from dataclasses import dataclass
from hashlib import sha1
from itertools import islice
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import structlog
from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from shothik_payment.domain.ports.answer_cache import ANSWER_TTL_SECONDS

log = structlog.get_logger(__name__)

MAX_WAITING = 4096
"""Questions that wait for the next round trip; beyond them they are not asked."""
MAX_KEPT_WAITING = 2048
"""Answers that wait to be kept; beyond them they are not kept."""
MAX_TOGETHER = 512
"""Of each kind in one round trip."""
LINGER_SECONDS = 0.05
"""How long an answer waits at most for a round trip that somebody else asks for."""
PAUSE_SECONDS = 1.0
"""Between two looks whether a server that was away is back."""

_SCRIPT = Path(__file__).with_name("round_trip.lua").read_text(encoding="utf-8")
_SCRIPT_NAME = sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()

R = TypeVar("R")
T = TypeVar("T")


class Window(NamedTuple):
    """Counts at most `limit` requests in any `window_ms`, in slices of `slice_ms`."""

    key: str
    limit: int
    window_ms: int
    slice_ms: int


@dataclass(frozen=True, slots=True)
class Counted:
    """`used`: requests in the window, with this one if it is allowed. `reset_ms`: until the
    oldest of them are out of it."""

    allowed: bool
    used: int
    reset_ms: int


class Reading(Generic[R, T]):
    """Awaits an answer of Redis, and reads it then: None where nobody answered."""

    __slots__ = ("_future", "_read")

    def __init__(self, future: asyncio.Future[R | None], read: Callable[[R | None], T]) -> None:
        self._future = future
        self._read = read

    def __await__(self) -> Generator[Any, None, T]:
        answer = yield from self._future.__await__()
        return self._read(answer)


@dataclass(slots=True)
class _Load:
    """What one round trip carries."""

    kept: list[tuple[str, bytes]]
    found: list[tuple[str, asyncio.Future[bytes | None]]]
    counted: list[tuple[Window, list[asyncio.Future[Counted | None]]]]
    peeked: list[tuple[Window, asyncio.Future[Counted | None]]]

    def keys(self) -> list[str]:
        """As the script wants them, and so the arguments."""
        return [
            *(key for key, _ in self.kept),
            *(key for key, _ in self.found),
            *(window.key for window, _ in self.counted),
            *(window.key for window, _ in self.peeked),
        ]

    def arguments(self) -> list[bytes | int]:
        numbers: list[bytes | int] = [len(self.kept), len(self.found), ANSWER_TTL_SECONDS]
        numbers.extend(value for _, value in self.kept)
        for window, futures in self.counted:
            numbers += (window.limit, window.window_ms, window.slice_ms, len(futures))
        for window, _ in self.peeked:
            numbers += (window.limit, window.window_ms, window.slice_ms, 0)
        return numbers

    def deliver(self, reply: list[Any]) -> None:
        for (_, future), value in zip(self.found, reply, strict=False):
            _answer(future, value)
        windows = reply[len(self.found) :]
        for (_, futures), counts in zip(self.counted, windows, strict=False):
            allowed, before, reset_ms = counts
            for place, counting in enumerate(futures, 1):
                used = before + min(place, allowed)
                _answer(counting, Counted(place <= allowed, used, reset_ms))

        for (_, peeking), counts in zip(self.peeked, windows[len(self.counted) :], strict=True):
            _, before, reset_ms = counts
            _answer(peeking, Counted(False, before, reset_ms))

    def let_go(self) -> None:
        """Nobody answers what is not answered yet."""
        for _, future in self.found:
            _answer(future, None)
        for _, futures in self.counted:
            for counting in futures:
                _answer(counting, None)
        for _, peeking in self.peeked:
            _answer(peeking, None)


def _answer(future: asyncio.Future[R | None], value: R | None) -> None:
    if not future.done():  # whoever asked may have been cancelled
        future.set_result(value)


class RoundTrips:
    """One round trip at a time. The next one carries what was begun meanwhile, or in this turn
    of the event loop: a request alone waits for nothing, and a thousand share a few. Answers to
    keep ride along; nobody waits for them.

    When Redis fails, everything is answered with None at once, until a look in the background
    finds that it is back.
    """

    def __init__(self, client: Redis, address: str, timeout_seconds: float) -> None:
        self._client = client
        self._address = address
        self._timeout_seconds = timeout_seconds
        self._keep: deque[tuple[str, bytes]] = deque()
        self._find: deque[tuple[str, asyncio.Future[bytes | None]]] = deque()
        self._count: dict[Window, list[asyncio.Future[Counted | None]]] = {}
        self._peek: deque[tuple[Window, asyncio.Future[Counted | None]]] = deque()
        self._waiting = 0
        self._linger: asyncio.TimerHandle | None = None
        self._travelling: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None

    # What is begun

    def keep(self, key: str, value: bytes) -> None:
        """Keep it for `ANSWER_TTL_SECONDS`, soon, if all goes well."""
        if self._looking is not None or len(self._keep) >= MAX_KEPT_WAITING:
            return
        self._keep.append((key, value))
        self._let_linger()

    def find(self, key: str) -> asyncio.Future[bytes | None]:
        """What is kept under the key. None: nothing, or nobody answered."""
        future: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        if self._admit(future):
            self._find.append((key, future))
        return future

    def count(self, window: Window) -> asyncio.Future[Counted | None]:
        """Count one request, unless it is one too many. None: nobody counted."""
        future: asyncio.Future[Counted | None] = asyncio.get_running_loop().create_future()
        if self._admit(future):
            self._count.setdefault(window, []).append(future)
        return future

    def peek(self, window: Window) -> asyncio.Future[Counted | None]:
        """What is counted, without counting. None: nobody answered."""
        future: asyncio.Future[Counted | None] = asyncio.get_running_loop().create_future()
        if self._admit(future):
            self._peek.append((window, future))
        return future

    def _admit(self, future: asyncio.Future[Any]) -> bool:
        if self._looking is not None or self._waiting >= MAX_WAITING:
            future.set_result(None)
            return False
        self._waiting += 1
        self._set_out()
        return True

    # The way there and back

    def _let_linger(self) -> None:
        if self._linger is None and self._travelling is None:
            loop = asyncio.get_running_loop()
            self._linger = loop.call_later(LINGER_SECONDS, self._set_out)

    def _linger_no_more(self) -> None:
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None

    def _set_out(self) -> None:
        self._linger_no_more()
        if self._travelling is None:
            self._travelling = asyncio.get_running_loop().create_task(self._travel())

    async def _travel(self) -> None:
        try:
            await self._carry(self._load())
            while self._find or self._count or self._peek:
                await self._carry(self._load())
        finally:
            self._travelling = None
        if self._keep:
            self._let_linger()

    def _load(self) -> _Load:
        kept = [self._keep.popleft() for _ in range(min(len(self._keep), MAX_TOGETHER))]
        found = [self._find.popleft() for _ in range(min(len(self._find), MAX_TOGETHER))]
        windows = list(islice(self._count, MAX_TOGETHER))
        counted = [(window, self._count.pop(window)) for window in windows]
        peeked = [self._peek.popleft() for _ in range(min(len(self._peek), MAX_TOGETHER))]
        asked = len(found) + len(peeked) + sum(len(futures) for _, futures in counted)
        self._waiting -= asked
        return _Load(kept, found, counted, peeked)

    async def _carry(self, load: _Load) -> None:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                load.deliver(await self._ask(load))
        except Exception as error:  # noqa: BLE001 whatever it is, nobody may wait for ever
            self._lose(error)
        finally:
            load.let_go()

    async def _ask(self, load: _Load) -> list[Any]:
        keys = load.keys()
        rest: list[Any] = [*keys, *load.arguments()]
        try:
            reply = await self._client.evalsha(_SCRIPT_NAME, len(keys), *rest)
        except NoScriptError:
            reply = await self._client.eval(_SCRIPT, len(keys), *rest)
        return list(reply)

    # Away and back

    def _lose(self, error: Exception) -> None:
        if self._looking is not None:
            return
        log.warning("redis is away", address=self._address, error=str(error) or repr(error))
        # In no request's context: it goes on for all of them.
        self._looking = asyncio.get_running_loop().create_task(self._look(), context=Context())
        self._keep.clear()
        self._linger_no_more()
        while self._find or self._count or self._peek:
            self._load().let_go()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(PAUSE_SECONDS)
            if await self._is_there():
                break
        self._looking = None
        log.info("redis is back", address=self._address)

    async def _is_there(self) -> bool:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._client.ping()
        except Exception as error:  # noqa: BLE001 whatever it is, the look goes on
            log.debug("redis is still away", address=self._address, error=str(error) or repr(error))
            return False
        return True

    async def open(self) -> None:
        """Raises nothing: a server that is away is looked for in the background."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._client.ping()
        except Exception as error:  # noqa: BLE001 whatever it is, the service starts without
            self._lose(error)

    async def close(self) -> None:
        """What was begun is done first, where Redis is there."""
        while self._keep or self._travelling is not None:
            self._set_out()
            if self._travelling is not None:
                await self._travelling
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])
