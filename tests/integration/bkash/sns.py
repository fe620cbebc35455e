"""Messages of SNS as a web server hands them over, and a watch on outgoing connections."""

from __future__ import annotations

import json
import sys
from typing import Any

from shothik_payment.adapters.bkash import BkashGateway
from shothik_payment.domain.ports.gateway import Notification


class Outgoing:
    """Every address that this process looks up or connects to while it is `watching`."""

    def __init__(self) -> None:
        self.watching = False
        self.seen: list[Any] = []

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.watching and event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
            self.seen.append((event, arguments))


OUTGOING = Outgoing()
sys.addaudithook(OUTGOING.hook)  # for ever, so it is told when to watch


def raw(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode()


async def read(gateway: BkashGateway, message: dict[str, Any]) -> Notification | None:
    headers = {
        "x-amz-sns-message-type": message["Type"],
        "content-type": "text/plain; charset=UTF-8",
    }
    return await gateway.read_notification(raw(message), headers)
