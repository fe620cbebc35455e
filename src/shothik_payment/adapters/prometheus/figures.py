"""The figures and their names. docs/operate.md says what they are good for.

Gauges say how the figures of several processes become one.
"""

from __future__ import annotations

from math import nan

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from shothik_payment.adapters.prometheus import buckets

_WAITING, _UNWANTED = "waiting", "unwanted"


class Figures:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._of_charges()
        self._of_the_ledger()
        self._of_events()
        self._of_gateways()
        self._of_background_work()

    def _of_charges(self) -> None:
        self.deducts = self._counter(
            "deducts", "Deductions and captures, without repeats.", "service"
        )
        self.deducted_credits = self._counter(
            "deducted_credits", "Credits that they took.", "service"
        )
        self.key_lookups = self._counter(
            "api_key_lookups", "API keys that had to be looked up in the store."
        )

    def _of_the_ledger(self) -> None:
        self.commit_seconds = self._histogram(
            "ledger_commit_duration_seconds",
            "Of the store, for one commit.",
            buckets.COMMIT,
            "outcome",
        )
        for outcome in ("done", "failed"):  # what is not there has not risen, for an alarm
            self.commit_seconds.labels(outcome)
        self.commit_users = self._histogram(
            "ledger_commit_users", "Users whose changes one commit has.", buckets.USERS
        )
        self.rows = self._counter("ledger_rows", "Ledger rows handed to the store.")
        self.conflicts = self._counter(
            "ledger_conflicts", "Users of a commit for whom another process was faster."
        )
        self.unanswered = Gauge(
            "shothik_writer_unanswered_commands",
            "Commands admitted and not answered yet.",
            multiprocess_mode="livesum",
            registry=self._registry,
        )

    def _of_events(self) -> None:
        self.relayed = self._counter(
            "relay_events", "Events handed to the broker, by what became of them.", "result"
        )
        self.publish_seconds = self._histogram(
            "relay_publish_duration_seconds",
            "Of one batch of events, to its last confirm.",
            buckets.OUTSIDE,
            "outcome",
        )

    def _of_gateways(self) -> None:
        self.gateway_seconds = self._histogram(
            "gateway_call_duration_seconds",
            "Of one call of a payment gateway, its repeats by the gateway's client included.",
            buckets.OUTSIDE,
            "gateway",
            "operation",
            "outcome",
        )
        self.webhooks = self._counter(
            "webhooks_received", "Webhooks that came in.", "gateway", "result"
        )
        self.webhook_seconds = self._histogram(
            "webhook_duration_seconds",
            "Of handling a stored webhook, once or again.",
            buckets.OUTSIDE,
            "gateway",
            "outcome",
        )

    def _of_background_work(self) -> None:
        self.lateness = self._histogram(
            "due_work_lateness_seconds",
            "How long after it fell due something was begun.",
            buckets.LATENESS,
            "work",
        )
        self.failures = self._counter(
            "background_failures", "Rounds of background work that broke off.", "work"
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"shothik_{name}", text, labels, registry=self._registry)

    def _histogram(self, name: str, text: str, cuts: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"shothik_{name}", text, labels, buckets=cuts, registry=self._registry)


class _ToldByOne(Gauge):
    """Of processes that share their figures, the one that has set it last tells it."""

    def withdraw(self) -> None:
        """Another tells it from now on, or has begun to: the library leaves a value without a time
        out, so this one is never taken for the newest. Alone, it is shown as NaN."""
        self._value.set(nan, timestamp=0)


class OutboxFigures:
    """Of the outbox of all processes; one of them tells it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.events = _ToldByOne(
            "shothik_outbox_events",
            "Events that wait to be published, and those that no queue wanted.",
            ("state",),
            multiprocess_mode="livemostrecent",
            registry=registry,
        )
        self.oldest_seconds = _ToldByOne(
            "shothik_outbox_oldest_event_age_seconds",
            "Age of the oldest event that waits; 0: none waits.",
            multiprocess_mode="livemostrecent",
            registry=registry,
        )

    def tell(self, waiting: float, oldest_seconds: float, unwanted: float) -> None:
        self.events.labels(_WAITING).set(waiting)
        self.events.labels(_UNWANTED).set(unwanted)
        self.oldest_seconds.set(oldest_seconds)

    def withdraw(self) -> None:
        for figure in (
            self.events.labels(_WAITING),
            self.events.labels(_UNWANTED),
            self.oldest_seconds,
        ):
            figure.withdraw()
