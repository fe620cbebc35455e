"""The time."""

from __future__ import annotations

from typing import Protocol

from shothik_payment.domain.model.time import Millis


class Clock(Protocol):
    def now(self) -> Millis: ...
