"""The figures for Prometheus, over HTTP."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from shothik_payment.domain.errors import Unauthenticated
from shothik_payment.entrypoints.http.call import AnyRequest, call_of

Render = Callable[[str], tuple[bytes, str]]
_CHALLENGE = b'Bearer realm="shothik-payment metrics"'


def metrics_route(render: Render, token: str | None) -> HTTPRouteHandler:
    """`render` writes what a header `Accept` takes, and its media type. `token`: whoever reads them
    has to show it; None: anyone may."""
    expected = None if token is None else f"Bearer {token}".encode()

    @get("/metrics", include_in_schema=False)
    async def metrics(request: AnyRequest) -> Response[bytes]:
        call = call_of(request.scope)
        shown = call.headers.get(b"authorization", b"")
        if expected is not None and not hmac.compare_digest(shown, expected):
            call.challenge = _CHALLENGE
            raise Unauthenticated("This needs the token of the metrics.")
        accept = call.headers.get(b"accept", b"").decode("latin-1")
        # With many workers it reads many files, and the requests must not wait for that.
        content, media_type = await asyncio.to_thread(render, accept)
        return Response(content, media_type=media_type, headers={"cache-control": "no-store"})

    return metrics
