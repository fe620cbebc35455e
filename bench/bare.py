"""The yardstick: a Litestar POST that only decodes the deduct body and returns a constant."""

from __future__ import annotations

import sys

import msgspec
from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.log import LogLevels
from litestar import Litestar, get, post

from shothik_payment.entrypoints.server import BACKLOG, MAX_CONNECTIONS


class DeductBody(msgspec.Struct):
    userId: str  # noqa: N815 the wire's name
    amount: int | None = None
    units: int | None = None
    service: str | None = None
    feature: str | None = None
    requestId: str | None = None  # noqa: N815
    metadata: dict[str, str | int | float | bool | None] | None = None


ANSWER = {
    "success": True,
    "transactionId": "txn_0000198f0c0a1b2000001a1b2c3d4e5f60",
    "newBalance": 95,
    "previousBalance": 100,
}


@post("/api/v1/deduct", status_code=200)
async def bare(data: DeductBody) -> dict[str, object]:
    return ANSWER


@get("/health/ready", sync_to_thread=False)
def ready() -> dict[str, str]:
    return {"status": "ok"}


def create_app() -> Litestar:
    return Litestar([bare, ready], logging_config=None, openapi_config=None)


if __name__ == "__main__":
    # As the service itself is served; see shothik_payment.entrypoints.server.
    Granian(
        "bench.bare:create_app",
        factory=True,
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        websockets=False,
        backlog=BACKLOG,
        backpressure=MAX_CONNECTIONS,
        log_level=LogLevels.warning,
    ).serve()
