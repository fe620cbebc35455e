"""How charts look. Loads the library that draws them, which takes a while."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import Element

import pygal  # type: ignore[import-untyped]
from pygal import HorizontalBar, StackedBar
from pygal.config import Config  # type: ignore[import-untyped]
from pygal.style import Style  # type: ignore[import-untyped]

# The library's hook for plugins that draw maps warns at each import that comes after it.
sys.meta_path[:] = [f for f in sys.meta_path if not isinstance(f, pygal.PluginImportFixer)]

WIDTH = 400
_HEIGHT = 220
_ROW = 26
_FONT = 13

# A picture in <img> knows nothing of the page, but of the visitor's wish for dark or light.
_COLOURS = """
svg{--text:#565f70;--line:#dfe3ea;--first:#1f5fd6;--second:#0b8a7a;--third:#b45f06;
--fourth:#a8327b;--rest:#7b8494;--good:#1f8a4c;--warn:#b7791f;--bad:#c2402f}
@media (prefers-color-scheme:dark){svg{--text:#a9b2c2;--line:#323a48;--first:#7fabff;
--second:#4fd1bd;--third:#f0b35e;--fourth:#f291c3;--rest:#8b96a8;--good:#5cc487;--warn:#e8bf62;
--bad:#ff8f80}}
.background{fill:none}.guide.line,.axis .line,.axis .major.line{stroke:var(--line);fill:none;
stroke-dasharray:none}.vertical .axis.x .line,.horizontal .axis.y .line{stroke:none}
text{fill:var(--text);font-variant-numeric:tabular-nums}
.axis.x text{text-anchor:middle}.axis.y text{text-anchor:end}
.series text.value{text-anchor:start;font-weight:600}
"""


class _Plain:
    """What the library adds for its own script is left out."""

    def _tooltip_data(self, *_: Any) -> None: ...


class _Lying(_Plain, HorizontalBar):  # type: ignore[misc]
    _series_margin = 0.12


class _Standing(_Plain, StackedBar):  # type: ignore[misc]
    _adapters = ()
    """No value, no bar; the library would draw one of no height."""

    def _tooltip_and_print_values(self, *_: Any) -> None: ...


def lying_bars(labels: Sequence[str], values: Sequence[int], tone: str) -> bytes:
    """One below the other in the order given, each with its value."""
    bars = _Lying(
        _config([tone]),
        height=len(values) * _ROW + 24,
        print_values=True,
        print_values_position="top",
        show_x_labels=False,
        show_x_guides=False,
        show_y_guides=False,
        range=(0, max(values) * 1.25),
        rounded_bars=3,
        value_formatter=_whole,
    )
    # The library's first is the lowest.
    bars.x_labels = list(reversed(labels))
    bars.add("", list(reversed(values)))
    return _drawn(bars)


def standing_bars(
    labels: Sequence[str], series: Sequence[tuple[Sequence[int], str]], every: int
) -> bytes:
    bars = _Standing(
        _config([tone for _, tone in series]),
        height=_HEIGHT,
        max_scale=5,
        order_min=0,
        show_minor_x_labels=every == 1,
    )
    bars.x_labels = list(labels)
    # The first one written is not at the edge, where half of it would be cut off.
    bars.x_labels_major = list(labels[every // 2 :: every]) if every > 1 else []
    for values, _ in series:
        bars.add("", [value or None for value in values])
    return _drawn(bars)


def _config(tones: Sequence[str]) -> Config:
    colours = "".join(f".color-{i}{{fill:var(--{tone})}}" for i, tone in enumerate(tones))
    return Config(
        width=WIDTH,
        js=[],
        css=[f"inline:{_COLOURS}{colours}"],
        no_prefix=True,
        explicit_size=True,
        show_legend=False,
        margin=6,
        spacing=6,
        truncate_label=-1,
        value_formatter=_short,
        xml_filters=[],
        style=Style(
            font_family='system-ui,-apple-system,"Segoe UI",Roboto,sans-serif',
            label_font_size=_FONT,
            major_label_font_size=_FONT,
            value_font_size=_FONT,
        ),
    )


def _drawn(chart: Any) -> bytes:
    chart.add_xml_filter(_without_script)
    svg: bytes = chart.render()
    return svg


def _without_script(root: Element) -> Element:
    for parent in root.iter("defs"):
        for script in parent.findall("script"):
            parent.remove(script)
    return root


def _short(value: float) -> str:
    """For the marks of an axis."""
    if value >= 1_000_000:
        return f"{value / 1_000_000:.3g}M"
    return f"{value / 1_000:.3g}k" if value >= 10_000 else _whole(value)


def _whole(value: float) -> str:
    return f"{value:,.0f}"
