"""`python -m tests.simulators.bkash.serve PORT`"""

from __future__ import annotations

import sys

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

if __name__ == "__main__":
    Granian(
        "tests.simulators.bkash.app:app",
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.ASGINL,
        workers=1,
        http=HTTPModes.http1,
        websockets=False,
        log_level=LogLevels.warning,
    ).serve()
