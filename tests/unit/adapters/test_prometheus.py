"""What is counted, and how it is named."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from shothik_payment.adapters.prometheus import Exposition, PrometheusObserver, PrometheusRequests
from shothik_payment.domain.ports.observer import UNOBSERVED, Observer
from tests.support.figures import Figures


def told(exposition: Exposition) -> Figures:
    content, _ = exposition.render("text/plain")
    return Figures(content.decode())


def test_a_step_is_timed_by_what_came_of_it() -> None:
    exposition = Exposition()
    observer = PrometheusObserver(exposition.registry)
    with observer.gateway_call("bkash", "refund"):
        pass
    with observer.gateway_call("bkash", "refund") as step:
        step.outcome = "timeout"
    with pytest.raises(RuntimeError), observer.gateway_call("bkash", "refund"):
        raise RuntimeError
    seen = told(exposition)
    name = "shothik_gateway_call_duration_seconds_count"
    for outcome in ("done", "timeout", "failed"):
        assert seen.sum(name, gateway="bkash", operation="refund", outcome=outcome) == 1


def test_a_commit_that_fails_is_counted_as_such() -> None:
    exposition = Exposition()
    observer = PrometheusObserver(exposition.registry)
    with observer.commit(3, 7):
        pass
    with pytest.raises(OSError, match="gone"), observer.commit(1, 1):
        raise OSError("gone")
    observer.conflicts(2)
    seen = told(exposition)
    assert seen.sum("shothik_ledger_commit_duration_seconds_count", outcome="done") == 1
    assert seen.sum("shothik_ledger_commit_duration_seconds_count", outcome="failed") == 1
    assert seen.sum("shothik_ledger_commit_users_sum") == 4
    assert seen.sum("shothik_ledger_commit_users_bucket", le="2.0") == 1
    assert seen.sum("shothik_ledger_rows_total") == 8
    assert seen.sum("shothik_ledger_conflicts_total") == 2


def test_the_outbox_is_shown_by_whoever_tells_of_it() -> None:
    exposition = Exposition()
    observer = PrometheusObserver(exposition.registry)
    assert "shothik_outbox_events" not in told(exposition).families
    observer.backlog(5, 1.5, 2)
    seen = told(exposition)
    assert seen.sum("shothik_outbox_events", state="waiting") == 5
    assert seen.sum("shothik_outbox_events", state="unwanted") == 2
    assert seen.sum("shothik_outbox_oldest_event_age_seconds") == 1.5
    observer.backlog_is_others()
    assert math.isnan(told(exposition).sum("shothik_outbox_events", state="waiting"))


_TWO_PROCESSES = """
import os
from shothik_payment.adapters.prometheus import Exposition, PrometheusObserver

exposition = Exposition()
observer = PrometheusObserver(exposition.registry)
observer.backlog(3, 2.0, 0)
has_told, has_looked = os.pipe(), os.pipe()
if not os.fork():
    observer.backlog(5, 1.5, 2)
    os.write(has_told[1], b"!")
    os.read(has_looked[0], 1)
    os._exit(0)
os.read(has_told[0], 1)
observer.backlog_is_others()
print(exposition.render("text/plain")[0].decode())
os.write(has_looked[1], b"!")
os.wait()
print(exposition.render("text/plain")[0].decode())
"""


def test_who_tells_of_the_outbox_no_more_does_not_hide_the_one_who_does(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _TWO_PROCESSES],
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=True,
    )
    told = [line for line in ended.stdout.splitlines() if line.startswith("shothik_outbox")]
    assert sorted(told) == [
        'shothik_outbox_events{state="unwanted"} 2.0',
        'shothik_outbox_events{state="waiting"} 5.0',
        "shothik_outbox_oldest_event_age_seconds 1.5",
    ]


def test_what_is_early_is_not_late() -> None:
    exposition = Exposition()
    PrometheusObserver(exposition.registry).late("expiry", -3.0)
    assert told(exposition).sum("shothik_due_work_lateness_seconds_sum", work="expiry") == 0


def test_labels_of_requests_are_bounded_whatever_comes() -> None:
    exposition = Exposition()
    requests = PrometheusRequests(exposition.registry)
    for number in range(10_000):
        requests.answered(f"/made/up/{number}", f"M{number}", 200, 0.001)
    seen = told(exposition)
    name = "shothik_http_requests_total"
    assert seen.sum(name) == 10_000
    assert seen.values(name, "method") == {"other"}
    assert len(seen.values(name, "route")) <= 5_001


def test_openmetrics_is_spoken_too() -> None:
    exposition = Exposition()
    PrometheusRequests(exposition.registry).answered("/x", "GET", 200, 0.1)
    content, media_type = exposition.render("application/openmetrics-text; version=1.0.0")
    assert media_type.startswith("application/openmetrics-text")
    families = {family.name for family in text_string_to_metric_families(content.decode())}
    assert "shothik_http_requests" in families


def test_names_follow_the_conventions() -> None:
    exposition = Exposition()
    observer: Observer = PrometheusObserver(exposition.registry)
    PrometheusRequests(exposition.registry)
    observer.backlog(0, 0, 0)
    own = {n: f for n, f in told(exposition).families.items() if n.startswith("shothik_")}
    assert len(own) >= 20
    for name, family in own.items():
        assert family.documentation.endswith(".")
        if "duration" in name or "age" in name or "lateness" in name:
            assert name.endswith("_seconds")
        if family.type == "counter":
            assert all(s.name.endswith("_total") for s in family.samples)


def test_nobody_listening_takes_every_word() -> None:
    with UNOBSERVED.commit(1, 1), UNOBSERVED.publish(1), UNOBSERVED.webhook("sandbox") as step:
        step.outcome = "settled"
    with UNOBSERVED.gateway_call("sandbox", "look_up") as step:
        assert step.outcome == "done"
