"""The machine's clock, put forward."""

from __future__ import annotations

from shothik_payment.domain.errors import Conflict, StoreCorrupt
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.documents import Documents

_OFFSET = "offset"


class OffsetClock:
    """`wall` is what it is ahead of."""

    def __init__(self, wall: Clock, documents: Documents) -> None:
        self._wall = wall
        self._documents = documents
        self._offset_ms = 0
        self._stored: bytes | None = None

    def now(self) -> Millis:
        return Millis(self._wall.now() + self._offset_ms)

    async def load(self) -> None:
        self._stored = await self._documents.get(_OFFSET)
        text = b"0" if self._stored is None else self._stored
        if not text.isdigit():
            raise StoreCorrupt("How far the test clock was put forward cannot be read.")
        self._offset_ms = int(text)

    async def move_to(self, at: Millis) -> None:
        offset_ms = at - self._wall.now()
        if offset_ms <= self._offset_ms:
            return
        # Stored first: a crash may not leave rows that are later than the clock after a restart.
        new = b"%d" % offset_ms
        if not await self._documents.replace(_OFFSET, self._stored, new):
            raise Conflict("Another process has moved the test clock; restart this one.")
        self._stored, self._offset_ms = new, offset_ms
