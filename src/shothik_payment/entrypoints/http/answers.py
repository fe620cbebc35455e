"""Finished answers: a status and ready bytes, sent without further processing."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from litestar.types import Receive, Scope, Send

encode = msgspec.json.Encoder().encode

Headers = Sequence[tuple[bytes, bytes]]

_JSON = (
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)
_REPLAYED = (b"idempotency-replayed", b"true")


class Answer:
    """A JSON answer; an ASGI application, so that Litestar and the bare handler send it alike."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, body: bytes, status: int = 200, headers: Headers = ()) -> None:
        self.body = body
        self.status = status
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        length = (b"content-length", b"%d" % len(self.body))
        await send(
            {
                "type": "http.response.start",
                "status": self.status,
                "headers": [*_JSON, length, *self.headers],
            }
        )
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


def reply(content: msgspec.Struct, status: int = 200) -> Answer:
    return Answer(encode(content), status)


def replay(body: bytes, status: int = 200) -> Answer:
    """What was answered before, told as such."""
    return Answer(body, status, (_REPLAYED,))
