"""On the PYTHONPATH of a process, this sets its wall clock wrong by WRONG_CLOCK_SECONDS."""

import os
import time

_wrong = float(os.environ.get("WRONG_CLOCK_SECONDS", "0"))
_time, _time_ns = time.time, time.time_ns
time.time = lambda: _time() + _wrong
time.time_ns = lambda: _time_ns() + int(_wrong * 1e9)
