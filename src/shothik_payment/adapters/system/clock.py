"""The machine's clock."""

from __future__ import annotations

import time

from shothik_payment.domain.model.time import Millis


class SystemClock:
    """May step backwards when the machine's clock is set; the ledger keeps its own order."""

    def now(self) -> Millis:
        return Millis(time.time_ns() // 1_000_000)
