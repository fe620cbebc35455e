"""What operators see of each request: figures, a line in the log where it is worth one, a span."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Protocol, cast

import structlog
from litestar.types import HTTPScope

from shothik_payment.domain.ports.tracer import Span, SpanKind, Tracer
from shothik_payment.entrypoints.http.call import Call
from shothik_payment.entrypoints.logs import OF_REQUEST

log = structlog.get_logger(__name__)
_plain = logging.getLogger(__name__)

NO_ROUTE = "unmatched"
"""Whatever path was asked for: what strangers make up must not make labels."""
SLOW_SECONDS = 1.0
_GONE = 499
"""For a request whose client went away before there was an answer; nobody gets it."""
_UNAVAILABLE = 503
_ONE_LINE_SECONDS = 1.0
_ERRORS_A_LINE = 4
_OVER_SECONDS = 10.0
"""So long after a quiet second nobody was refused: what came in it was another outage's."""


class Requests(Protocol):
    def answered(self, route: str, method: str, status: int, seconds: float) -> None: ...

    def refused(self, code: str) -> None: ...


class Watch:
    """`requests` None: they are not counted; `tracer` None: no spans; `clock` gives seconds that
    never go back."""

    def __init__(
        self,
        requests: Requests | None = None,
        tracer: Tracer | None = None,
        slow_seconds: float = SLOW_SECONDS,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self._requests = requests
        self._tracer = tracer
        self._slow_seconds = slow_seconds
        self._clock = clock
        self._unavailable = 0
        self._errors: dict[str, None] = {}  # in the order in which they came
        self._quiet_until = -math.inf

    async def over(self, call: Call, method: str, answering: Awaitable[None]) -> None:
        begun = self._clock()
        told = OF_REQUEST.set(call)
        try:
            if self._tracer is None:
                await answering
            else:
                headers = {name: _header(call, name) for name in ("traceparent", "tracestate")}
                given = {name: value for name, value in headers.items() if value}
                with self._tracer.span("request", SpanKind.SERVER, headers=given) as span:
                    await answering
                    _note(span, call, method)
        finally:
            self._ended(call, method, self._clock() - begun)
            OF_REQUEST.reset(told)

    def _ended(self, call: Call, method: str, seconds: float) -> None:
        status = call.status or _GONE
        if self._requests is not None:
            self._requests.answered(_route(call), method, status, seconds)
            if call.refusal is not None:
                self._requests.refused(call.refusal)
        if status == _UNAVAILABLE:
            self._tell_unavailable(call)
        elif seconds > self._slow_seconds:
            log.warning("slow request", **_facts(call, method, status, seconds))
        elif _plain.isEnabledFor(logging.DEBUG):
            log.debug("request", **_facts(call, method, status, seconds))

    def _tell_unavailable(self, call: Call) -> None:
        """At most one line a second: an outage makes as many refusals as there are requests. What
        most of them say may hide what is behind them all, so the line has several of the errors
        that came since the last one."""
        now = self._clock()
        if now >= self._quiet_until + _OVER_SECONDS:
            self._unavailable = 0
            self._errors.clear()
        self._unavailable += 1
        if call.error is not None and len(self._errors) < _ERRORS_A_LINE:
            self._errors[call.error] = None
        if now >= self._quiet_until:
            self._quiet_until = now + _ONE_LINE_SECONDS
            log.error("refused with 503", requests=self._unavailable, errors=[*self._errors])
            self._unavailable = 0
            self._errors.clear()


def _route(call: Call) -> str:
    return cast(HTTPScope, call.scope).get("path_template", NO_ROUTE)


def _facts(call: Call, method: str, status: int, seconds: float) -> dict[str, str | int | float]:
    return {
        "method": method,
        "route": _route(call),
        "status": status,
        "seconds": round(seconds, 4),
    }


def _note(span: Span, call: Call, method: str) -> None:
    route = _route(call)
    span.name(route if route == NO_ROUTE else f"{method} {route}")
    status = call.status or _GONE
    span.note(
        {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
            "shothik.request_id": call.request_id,
        }
    )
    if call.refusal is not None:
        span.note({"error.type": call.refusal})
    if status >= 500:
        span.fail(call.refusal or str(status))


def _header(call: Call, name: str) -> str:
    return call.headers.get(name.encode(), b"").decode("latin-1")
