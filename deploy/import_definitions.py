"""Imports a definitions file into RabbitMQ, by its management API. May be run again and again.

Usage: RABBITMQ_API=http://host:15672 RABBITMQ_USER=… RABBITMQ_PASSWORD=… import_definitions.py FILE

Only the standard library, so that it runs wherever Python is.
"""

from __future__ import annotations

import base64
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ATTEMPTS = 60


def main() -> int:
    body = Path(sys.argv[1]).read_bytes()
    user = f"{os.environ['RABBITMQ_USER']}:{os.environ['RABBITMQ_PASSWORD']}"
    request = urllib.request.Request(  # noqa: S310 the operator's own address
        os.environ["RABBITMQ_API"].rstrip("/") + "/api/definitions",
        data=body,
        headers={
            "Authorization": "Basic " + base64.b64encode(user.encode()).decode(),
            "Content-Type": "application/json",
        },
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for attempt in range(1, ATTEMPTS + 1):
        try:
            opener.open(request, timeout=10).close()
        except urllib.error.HTTPError as error:
            said = error.read(2000).decode(errors="replace")
            print(f"RabbitMQ refuses the definitions: {error.code} {said}", file=sys.stderr)
            return 1
        except OSError as error:
            # The management page comes up a moment after the broker.
            problem = getattr(error, "reason", error)
            print(f"RabbitMQ does not answer ({problem}), attempt {attempt}", file=sys.stderr)
            time.sleep(1)
        else:
            print("RabbitMQ has the definitions.")
            return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
