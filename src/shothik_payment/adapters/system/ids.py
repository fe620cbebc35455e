"""Identifiers that need no coordination."""

from __future__ import annotations

import os
import secrets
import time

_COUNTER_BITS = 24
_NODE_BYTES = 5


class SystemIds:
    """Ids of 28 lowercase hexadecimal digits: 12 of milliseconds, 6 of a counter, 10 of a node.

    Milliseconds and counter are one number that only rises, also when the clock steps back or
    more than 2^24 ids are asked for in a millisecond. The node is drawn at random for each
    instance: make it in the process that uses it, since a fork would share it.
    """

    def __init__(self) -> None:
        self._node = os.urandom(_NODE_BYTES).hex()
        self._last = 0

    def next(self) -> str:
        now = time.time_ns() // 1_000_000 << _COUNTER_BITS
        last = self._last
        self._last = number = now if now > last else last + 1
        return f"{number:018x}{self._node}"

    def secret(self) -> str:
        return secrets.token_hex(24)

    def random_bytes(self, count: int) -> bytes:
        return os.urandom(count)
