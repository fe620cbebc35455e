"""The observer that counts for Prometheus, and puts a span around each step where there are traces:
so whoever does the work has one of them to tell."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from time import perf_counter
from types import TracebackType

from prometheus_client import CollectorRegistry, Counter

from shothik_payment.adapters.prometheus.figures import Figures, OutboxFigures
from shothik_payment.domain.ports.observer import Step
from shothik_payment.domain.ports.tracer import Facts, Span, SpanKind, Tracer

_DONE = "done"
_FAILED = "failed"


class PrometheusObserver:
    """`tracer` None: no traces."""

    def __init__(self, registry: CollectorRegistry, tracer: Tracer | None = None) -> None:
        self._registry = registry
        self._figures = Figures(registry)
        self._outbox: OutboxFigures | None = None
        self._tracer = tracer
        # Looking a label up takes longer than counting in it.
        self._charges: dict[str, tuple[Counter, Counter]] = {}

    def charged(self, service: str, credits: int) -> None:
        known = self._charges.get(service)
        if known is None:
            figures = self._figures
            known = figures.deducts.labels(service), figures.deducted_credits.labels(service)
            self._charges[service] = known
        known[0].inc()
        known[1].inc(credits)

    def unanswered(self, commands: int) -> None:
        self._figures.unanswered.set(commands)

    def commit(self, users: int, rows: int) -> AbstractContextManager[Step]:
        figures = self._figures
        figures.commit_users.observe(users)
        figures.rows.inc(rows)
        return self._step(
            "ledger commit",
            lambda outcome, seconds: figures.commit_seconds.labels(outcome).observe(seconds),
            {"shothik.users": users, "shothik.rows": rows},
        )

    def conflicts(self, users: int) -> None:
        self._figures.conflicts.inc(users)

    def publish(self, events: int) -> AbstractContextManager[Step]:
        publishing = self._figures.publish_seconds
        return self._step(
            "relay batch",
            lambda outcome, seconds: publishing.labels(outcome).observe(seconds),
            {"messaging.system": "rabbitmq", "messaging.batch.message_count": events},
            SpanKind.CLIENT,
        )

    def published(self, taken: int, unwanted: int, refused: int) -> None:
        relayed = self._figures.relayed
        for result, events in (("taken", taken), ("unwanted", unwanted), ("refused", refused)):
            relayed.labels(result).inc(events)

    def backlog(self, waiting: float, oldest_seconds: float, unwanted: float) -> None:
        if self._outbox is None:  # who never tells of it shows nothing, and not a zero
            self._outbox = OutboxFigures(self._registry)
        self._outbox.tell(waiting, oldest_seconds, unwanted)

    def backlog_is_others(self) -> None:
        if self._outbox is not None:
            self._outbox.withdraw()

    def gateway_call(self, gateway: str, operation: str) -> AbstractContextManager[Step]:
        calls = self._figures.gateway_seconds
        return self._step(
            f"{gateway} {operation}",
            lambda outcome, seconds: calls.labels(gateway, operation, outcome).observe(seconds),
            {"shothik.gateway": gateway, "shothik.operation": operation},
            SpanKind.CLIENT,
        )

    def webhook_received(self, gateway: str, result: str) -> None:
        self._figures.webhooks.labels(gateway, result).inc()

    def webhook(self, gateway: str) -> AbstractContextManager[Step]:
        handling = self._figures.webhook_seconds
        return self._step(
            f"webhook {gateway}",
            lambda outcome, seconds: handling.labels(gateway, outcome).observe(seconds),
            {"shothik.gateway": gateway},
        )

    def late(self, work: str, seconds: float) -> None:
        self._figures.lateness.labels(work).observe(max(seconds, 0.0))

    def failed(self, work: str) -> None:
        self._figures.failures.labels(work).inc()

    def key_looked_up(self) -> None:
        self._figures.key_lookups.inc()

    def _step(
        self,
        name: str,
        end: Callable[[str, float], None],
        facts: Facts,
        kind: SpanKind = SpanKind.INTERNAL,
    ) -> AbstractContextManager[Step]:
        tracer = self._tracer
        return _Timed(end, None if tracer is None else tracer.span(name, kind, facts))


class _Timed:
    """Around a step: its seconds by what came of it, and its span."""

    __slots__ = ("_around", "_begun", "_end", "_span", "outcome")

    def __init__(
        self, end: Callable[[str, float], None], around: AbstractContextManager[Span] | None
    ) -> None:
        self.outcome = _DONE
        self._end = end
        self._around = around
        self._span: Span | None = None
        self._begun = 0.0

    def __enter__(self) -> Step:
        if self._around is not None:
            self._span = self._around.__enter__()
        self._begun = perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None and self.outcome == _DONE:
            self.outcome = _FAILED
        self._end(self.outcome, perf_counter() - self._begun)
        if self._around is not None and self._span is not None:
            self._span.note({"shothik.outcome": self.outcome})
            self._around.__exit__(kind, error, trace)
