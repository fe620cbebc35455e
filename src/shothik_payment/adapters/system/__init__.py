"""The machine's own clock and randomness."""

from shothik_payment.adapters.system.clock import SystemClock
from shothik_payment.adapters.system.ids import SystemIds

__all__ = ["SystemClock", "SystemIds"]
