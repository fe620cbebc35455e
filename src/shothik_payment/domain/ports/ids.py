"""Fresh identifiers."""

from __future__ import annotations

from typing import Protocol


class Ids(Protocol):
    def next(self) -> str:
        """Unique over all processes; lowercase letters and digits, of one length, rising with
        time within a process."""
        ...

    def secret(self) -> str:
        """At least 128 bits that nobody can guess, letters and digits."""
        ...

    def random_bytes(self, count: int) -> bytes:
        """Fit for keys."""
        ...
