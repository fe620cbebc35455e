"""The dashboard and the alarms ask for what a running service tells; the docs name each alarm."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.service import Service
from tests.e2e.tills import SandboxTill
from tests.e2e.waiting import eventually
from tests.support.figures import Figures, scrape

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "deploy/grafana/dashboards/shothik-payment.json"
ALERTS = ROOT / "deploy/prometheus/alerts.yaml"
SCRAPE = ROOT / "deploy/prometheus/prometheus.yaml"

_BY_PROMETHEUS = {"up"}
_LABELS_BY_PROMETHEUS = {"job", "instance", "le"}
_METRIC = re.compile(r"\b((?:shothik|process)_[a-z_]+|up)\b(?:\{([^}]*)\})?")
_SELECTED = re.compile(r'(\w+)(=~|=|!=)"([^"]*)"')
_GROUPED = re.compile(r"\bby \(([a-z_, ]+)\)")


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(ALERTS.read_text())["groups"]
    return list(group["rules"])


def panels() -> list[dict[str, Any]]:
    found = json.loads(DASHBOARD.read_text())["panels"]
    return [panel for panel in found if panel["type"] != "row"]


def expressions() -> Iterator[str]:
    for rule in rules():
        yield rule["expr"]
    for panel in panels():
        for target in panel["targets"]:
            yield target["expr"]


async def busy(service: Service) -> Figures:
    """What it tells once a little of everything has happened."""
    async with service.by_user("u1") as user:
        body = {"packId": "credits_100", "gateway": "sandbox", "currency": "USD"}
        await SandboxTill().pay(await user.post("/payments/initiate", body))
    async with service.by_key(service.key()) as client:
        await client.post("/deduct", {"userId": "u1", "amount": 2})
        await client.post("/holds", {"userId": "u1", "amount": 2, "ttlSeconds": 1})
        await client.send("/webhooks/sandbox", {})

    async def expired() -> bool:
        late = "shothik_due_work_lateness_seconds_count"
        return scrape(service.url).sum(late, work="expiry") > 0

    await eventually(expired)
    return scrape(service.url)


async def test_what_is_asked_for_is_told(service: Service) -> None:
    figures = await busy(service)
    told = {sample.name for sample in figures.samples} | _without_samples(figures)
    asked = {name for expression in expressions() for name, _ in _METRIC.findall(expression)}
    assert len(asked) > 25
    assert asked - told == _BY_PROMETHEUS
    for expression in expressions():
        groups = _GROUPED.findall(expression)
        grouped = {label.strip() for group in groups for label in group.split(",")}
        for name, selectors in _METRIC.findall(expression):
            selected = _SELECTED.findall(selectors)
            known = figures.labels_of(name)
            if known:
                wanted = {label for label, _, _ in selected} | grouped
                assert wanted <= known | _LABELS_BY_PROMETHEUS, expression
            for label, _, value in selected:
                if (name, label) in _ALWAYS_THERE:
                    assert value in figures.values(name, label), expression


_ALWAYS_THERE = {
    ("shothik_refusals_total", "code"),
    ("shothik_outbox_events", "state"),
    ("shothik_relay_events_total", "result"),
    ("shothik_webhooks_received_total", "result"),
    ("shothik_ledger_commit_duration_seconds_count", "outcome"),
    ("shothik_http_request_duration_seconds_bucket", "route"),
}


def _without_samples(figures: Figures) -> set[str]:
    """What is declared and has nothing to tell yet: no background work has failed."""
    return {
        f"{family.name}_total"
        for family in figures.families.values()
        if family.type == "counter" and not family.samples
    }


def test_each_alarm_is_in_the_docs() -> None:
    page = (ROOT / "docs/operate.md").read_text()
    alarms = [rule["alert"] for rule in rules()]
    assert alarms == re.findall(r"^\| `(Shothik\w+)`", page, re.M)
    for rule in rules():
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"]


def test_every_panel_says_what_it_shows() -> None:
    titles = [panel["title"] for panel in panels()]
    assert len(titles) == len(set(titles)) > 20
    source = yaml.safe_load(
        (ROOT / "deploy/grafana/provisioning/datasources/prometheus.yaml").read_text()
    )["datasources"][0]
    assert {panel["datasource"]["uid"] for panel in panels()} == {source["uid"]}


def test_prometheus_asks_whom_compose_starts() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    asked = yaml.safe_load(SCRAPE.read_text())
    targets = {
        job["dns_sd_configs"][0]["names"][0]: job["dns_sd_configs"][0]["port"]
        for job in asked["scrape_configs"]
    }
    assert targets == {
        "api": int(compose["api"]["environment"]["PORT"]),
        "worker": int(compose["worker"]["environment"]["METRICS_PORT"]),
    }
    mounted = {v.split(":")[1] for v in compose["prometheus"]["volumes"] if v.startswith("./")}
    assert set(asked["rule_files"]) <= mounted
