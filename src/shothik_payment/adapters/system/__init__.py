"""The machine's own clock and randomness."""

from shothik_payment.adapters.system.clock import SystemClock
from shothik_payment.adapters.system.ids import SystemIds
from shothik_payment.adapters.system.offset_clock import OffsetClock

__all__ = ["OffsetClock", "SystemClock", "SystemIds"]
