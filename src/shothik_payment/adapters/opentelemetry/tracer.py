"""Spans, in the words of OpenTelemetry's SDK. The SDK reads its own standard variables: where to
send to, the sampler, the batches."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from threading import Thread

import structlog
from opentelemetry import trace
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
        return self._around(name, kind, facts, headers)

    @contextmanager
    def _around(
        self, name: str, kind: SpanKind, facts: Facts | None, headers: Mapping[str, str] | None
    ) -> Iterator[Span]:
        context = None if headers is None else _propagator.extract(headers)
        with self._tracer.start_as_current_span(
            name,
            context,
            _KINDS[kind],
            facts,
            # The words of an error may hold secrets; `loggable` lets none through.
            record_exception=False,
            set_status_on_exception=False,
        ) as found:
            span = _Span(found)
            trace_id = trace.format_trace_id(found.get_span_context().trace_id)
            with structlog.contextvars.bound_contextvars(trace_id=trace_id):
                try:
                    yield span
                except Exception as error:
                    span.fail(loggable(error))
                    raise

    async def close(self) -> None:
        # A daemon: where nobody takes what is left, the process ends without it.
        closing = Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        await asyncio.to_thread(closing.join, _CLOSE_SECONDS)


class _Span:
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
