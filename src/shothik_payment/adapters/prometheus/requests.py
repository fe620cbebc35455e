"""HTTP requests, as Prometheus has them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

from shothik_payment.adapters.prometheus import buckets

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_OTHER = "other"
_ALARMING = "internal_error"
"""There from the start: of a figure that appears as 1, nobody sees that it has risen."""
_BOUND = 5_000
"""More routes, methods and statuses than there are; beyond, something is wrong with a template."""


class PrometheusRequests:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._count = Counter(
            "shothik_http_requests",
            "HTTP requests answered, by the template of their route.",
            ("route", "method", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "shothik_http_request_duration_seconds",
            "From a request's headers to the end of its answer.",
            ("route", "method"),
            buckets=buckets.REQUEST,
            registry=registry,
        )
        self._refusals = Counter(
            "shothik_refusals",
            "Requests refused, by the error's code.",
            ("code",),
            registry=registry,
        )
        self._refusals.labels(_ALARMING)
        # Looking a label set up takes longer than counting in it.
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """`route` is a template, of which there are as many as routes."""
        known = self._known.get((route, method, status))
        if known is None:
            known = self._look_up(route, method, status)
        known[0].inc()
        known[1].observe(seconds)

    def refused(self, code: str) -> None:
        self._refusals.labels(code).inc()

    def _look_up(self, route: str, method: str, status: int) -> tuple[Counter, Histogram]:
        if method not in _METHODS:
            method = _OTHER
        if len(self._known) >= _BOUND:
            route = _OTHER
        bound = self._count.labels(route, method, status), self._seconds.labels(route, method)
        if len(self._known) < _BOUND:
            self._known[route, method, status] = bound
        return bound
