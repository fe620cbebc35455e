"""Spans, in the words of OpenTelemetry's SDK. The SDK reads its own standard variables: where to
send to, the sampler, the batches."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from threading import Thread
from types import TracebackType

import structlog
from opentelemetry import context, trace
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shothik_payment.domain.errors import loggable
from shothik_payment.domain.ports.tracer import Facts, Span, SpanKind

_NAME = "shothik-payment"
_CLOSE_SECONDS = 3.0
_KINDS = {
    SpanKind.SERVER: trace.SpanKind.SERVER,
    SpanKind.CLIENT: trace.SpanKind.CLIENT,
    SpanKind.INTERNAL: trace.SpanKind.INTERNAL,
}
_propagator = TraceContextTextMapPropagator()


class OpenTelemetryTracer:
    """`exporter` is `otlp` or `console`."""

    def __init__(self, exporter: str) -> None:
        named = Resource({"service.name": _NAME}).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(
            resource=Resource.create(named.attributes), shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(_exporter(exporter)))
        self._tracer = self._provider.get_tracer(_NAME)

    def span(
        self,
        name: str,
        kind: SpanKind = SpanKind.INTERNAL,
        facts: Facts | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AbstractContextManager[Span]:
        parent = None if headers is None else _propagator.extract(headers)
        return _Around(self._tracer.start_span(name, parent, _KINDS[kind], facts))

    async def close(self) -> None:
        # A daemon: where nobody takes what is left, the process ends without it.
        closing = Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        await asyncio.to_thread(closing.join, _CLOSE_SECONDS)


class _Around:
    """The SDK's own context managers take twice the time, and put errors' words into spans, which
    may hold secrets: `loggable` lets none through."""

    __slots__ = ("_names", "_span", "_token")

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def __enter__(self) -> Span:
        span = self._span
        self._token = context.attach(trace.set_span_in_context(span))
        trace_id = trace.format_trace_id(span.get_span_context().trace_id)
        self._names = structlog.contextvars.bind_contextvars(trace_id=trace_id)
        return _Span(span)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        if isinstance(error, Exception):
            _Span(self._span).fail(loggable(error))
        structlog.contextvars.reset_contextvars(**self._names)
        context.detach(self._token)
        self._span.end()


class _Span:
    __slots__ = ("_span",)

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def note(self, facts: Facts) -> None:
        self._span.set_attributes(facts)

    def name(self, name: str) -> None:
        self._span.update_name(name)

    def fail(self, what: str) -> None:
        self._span.set_status(trace.Status(trace.StatusCode.ERROR, what))


def _exporter(word: str) -> SpanExporter:
    if word == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter(out=sys.stderr)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()
