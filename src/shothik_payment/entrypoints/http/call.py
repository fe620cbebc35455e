"""One HTTP request: who answers it, what its headers say, and its body."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any

from litestar import Request
from litestar.types import Receive, Scope

from shothik_payment.domain.errors import InvalidRequest, PayloadTooLarge, Unavailable
from shothik_payment.domain.model.key_usage import KeyUse
from shothik_payment.entrypoints.application import Application
from shothik_payment.entrypoints.http.fields import require_name, require_user_id
from shothik_payment.entrypoints.http.readiness import Readiness
from shothik_payment.entrypoints.http.settings import HttpSettings
from shothik_payment.entrypoints.http.turns import Turns

BODY_LIMIT = 64 * 1024
WEBHOOK_BODY_LIMIT = 512 * 1024

AnyRequest = Request[Any, Any, Any]

_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")


@dataclass(frozen=True, slots=True)
class Api:
    """What handlers work with; one a process."""

    app: Application
    settings: HttpSettings
    turns: Turns = field(default_factory=Turns)
    readiness: Readiness = field(default_factory=Readiness)


@dataclass(slots=True)
class Call:
    """`headers` by lowercase name, the last where one is repeated. `challenge` is what a 401
    asks for; set by whoever looks for credentials, and so is `key_use`, where a known key came.
    `status` 0: no answer yet; `refusal` is the code of the error that it tells; `error` what only
    operators see of an Unavailable."""

    api: Api
    scope: Scope
    headers: dict[bytes, bytes]
    request_id: str
    challenge: bytes | None = None
    key_use: KeyUse | None = None
    status: int = 0
    refusal: str | None = None
    error: str | None = None

    @property
    def app(self) -> Application:
        return self.api.app

    @property
    def trace_id(self) -> str | None:
        """Of the trace that the caller says it belongs to."""
        found = _TRACEPARENT.fullmatch(self.headers.get(b"traceparent", b""))
        return None if found is None else found[1].decode()

    def user_id(self) -> str:
        """Of the path. Raises InvalidRequest."""
        return require_user_id("userId", self.scope["path_params"]["userId"])

    def path_name(self, name: str) -> str:
        """An id of the path. Raises InvalidRequest."""
        return require_name(name, self.scope["path_params"][name])

    def require_room(self) -> None:
        """Refuse a write before any work is done for it where the writer would refuse it."""
        if self.api.app.writer.full():
            raise Unavailable("The service is busy; try again.")

    async def body(self, receive: Receive, limit: int = BODY_LIMIT) -> bytes:
        """Raises PayloadTooLarge by what is declared, and by what comes; InvalidRequest where
        it does not come."""
        declared = self.headers.get(b"content-length")
        if declared is not None and declared.isdigit() and int(declared[:20]) > limit:
            raise PayloadTooLarge(limit)
        try:
            async with asyncio.timeout(self.api.settings.body_seconds):
                return await _whole(receive, limit)
        except TimeoutError:
            seconds = self.api.settings.body_seconds
            raise InvalidRequest.of("body", f"the whole body within {seconds:g} seconds") from None


async def _whole(receive: Receive, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise InvalidRequest.of("body", "the whole body; the connection ended before")
        chunk: bytes = message.get("body", b"")  # type: ignore[assignment]
        size += len(chunk)
        if size > limit:
            raise PayloadTooLarge(limit)
        if not message.get("more_body", False):
            return chunk if not chunks else b"".join([*chunks, chunk])
        chunks.append(chunk)


def call_of(scope: Scope) -> Call:
    call: Call = scope["state"]["call"]
    return call
