"""What operators see: figures for Prometheus, traces; each imported only where it is on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shothik_payment.domain.ports.observer import UNOBSERVED, Observer
from shothik_payment.domain.ports.tracer import Tracer
from shothik_payment.entrypoints.http.metrics import Render
from shothik_payment.entrypoints.http.watch import Requests, Watch
from shothik_payment.entrypoints.settings import Settings


@dataclass(frozen=True, slots=True)
class Observing:
    """`render` writes the figures, `serve` does so on a host and port of its own; both None: there
    are none. `tracer` None: no traces."""

    observer: Observer = UNOBSERVED
    requests: Requests | None = None
    render: Render | None = None
    serve: Callable[[str, int], None] | None = None
    tracer: Tracer | None = None

    def watch(self) -> Watch:
        return Watch(self.requests, self.tracer)


def make_observing(settings: Settings) -> Observing:
    tracer = None if settings.traces is None else _tracer(settings.traces)
    if not settings.metrics_on and tracer is None:
        return Observing()
    from shothik_payment.adapters import prometheus

    exposition = prometheus.Exposition()
    observer = prometheus.PrometheusObserver(exposition.registry, tracer)
    if not settings.metrics_on:  # the steps' spans come from it, too
        return Observing(observer, tracer=tracer)
    requests = prometheus.PrometheusRequests(exposition.registry)
    return Observing(observer, requests, exposition.render, exposition.serve, tracer)


def _tracer(exporter: str) -> Tracer:
    from shothik_payment.adapters import opentelemetry

    return opentelemetry.OpenTelemetryTracer(exporter)
