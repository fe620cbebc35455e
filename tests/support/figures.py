"""The figures of a running service, as Prometheus reads them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import httpx
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


class Figures:
    """One scrape."""

    def __init__(self, text: str) -> None:
        families = list(text_string_to_metric_families(text))
        self.samples: list[Sample] = [sample for family in families for sample in family.samples]
        self.families = {family.name: family for family in families}

    def sum(self, name: str, **labels: str) -> float:
        """Over all series of the name that have these labels; NaN: there is none."""
        found = [s.value for s in self._of(name, labels)]
        return sum(found) if found else math.nan

    def values(self, name: str, label: str, **labels: str) -> set[str]:
        return {sample.labels[label] for sample in self._of(name, labels)}

    def labels_of(self, name: str) -> set[str]:
        return {label for sample in self._of(name, {}) for label in sample.labels}

    def _of(self, name: str, labels: dict[str, str]) -> Iterator[Sample]:
        for sample in self.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                yield sample


def scrape(url: str, headers: Iterable[tuple[str, str]] = ()) -> Figures:
    """`url`: of the server, without a path."""
    answer = httpx.get(f"{url}/metrics", headers=list(headers), timeout=10, verify=False)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    return Figures(answer.text)
