"""Pictures of figures: SVG without script, with the same figures as a table beside it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

KEPT = 64
"""Drawn pictures: who loads a page again, unchanged, draws none."""


class Tone(StrEnum):
    """A colour by what it means; `pages.css` and the pictures know the same ones."""

    FIRST = "first"
    SECOND = "second"
    THIRD = "third"
    FOURTH = "fourth"
    REST = "rest"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Series:
    """One value for each label of the chart."""

    name: str
    values: tuple[int, ...]
    tone: Tone = Tone.FIRST

    @property
    def total(self) -> int:
        return sum(self.values)


@dataclass(frozen=True, slots=True)
class Chart:
    """`image` is an address for <img>, None where there is nothing to draw. `text` says in words
    what the picture shows. `axis` and the names of the series are the table's head."""

    title: str
    axis: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    image: str | None
    text: str


def ranking(title: str, axis: str, name: str, values: Sequence[tuple[str, int]]) -> Chart:
    """Lying bars, the longest on top. `axis` says what the labels are, `name` what is counted."""
    ordered = sorted(values, key=lambda pair: -pair[1])
    labels = tuple(label for label, _ in ordered)
    series = (Series(name, tuple(value for _, value in ordered)),)
    shown = ", ".join(f"{label} {value:,}" for label, value in ordered if value)
    return _chart(title, axis, labels, series, f"{title}: {shown}.", lying=True)


def columns(
    title: str, axis: str, labels: Sequence[str], series: Sequence[Series], every: int = 1
) -> Chart:
    """Standing bars, the series on top of each other; each `every`-th label is written."""
    totals = ", ".join(f"{one.name} {one.total:,}" for one in series)
    sums = [sum(values) for values in zip(*(one.values for one in series), strict=True)]
    most = max(range(len(sums)), key=sums.__getitem__, default=None)
    text = f"{title}: {totals}."
    if most is not None:
        text += f" Most at {labels[most]}: {sums[most]:,}."
    return _chart(title, axis, tuple(labels), tuple(series), text, every=every)


def _chart(
    title: str,
    axis: str,
    labels: tuple[str, ...],
    series: tuple[Series, ...],
    text: str,
    *,
    lying: bool = False,
    every: int = 1,
) -> Chart:
    drawn = any(one.total for one in series)
    image = _image(labels, series, lying, every) if drawn else None
    return Chart(title, axis, labels, series, image, text if drawn else f"{title}: nothing.")


@lru_cache(KEPT)
def _image(labels: tuple[str, ...], series: tuple[Series, ...], lying: bool, every: int) -> str:
    # Half of what the panel takes to load, and most processes never draw.
    from shothik_payment.entrypoints.pages import drawing

    if lying:
        svg = drawing.lying_bars(labels, series[0].values, series[0].tone)
    else:
        svg = drawing.standing_bars(labels, [(one.values, one.tone) for one in series], every)
    return f"data:image/svg+xml;base64,{b64encode(svg).decode()}"
