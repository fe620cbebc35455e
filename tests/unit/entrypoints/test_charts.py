"""Pictures of figures: what is in them, and what is not."""

from __future__ import annotations

from base64 import b64decode
from xml.etree import ElementTree

from shothik_payment.entrypoints.pages.charts import Chart, Series, Tone, columns, ranking

SVG = "{http://www.w3.org/2000/svg}"


def svg_of(chart: Chart) -> ElementTree.Element:
    assert chart.image is not None
    head, _, body = chart.image.partition(",")
    assert head == "data:image/svg+xml;base64"
    return ElementTree.fromstring(b64decode(body))


def texts(root: ElementTree.Element) -> list[str]:
    return [node.text for node in root.iter(f"{SVG}text") if node.text]


def bars_of(root: ElementTree.Element) -> list[ElementTree.Element]:
    return [node for node in root.iter(f"{SVG}rect") if "reactive" in node.attrib["class"]]


def test_a_ranking_has_the_longest_first() -> None:
    chart = ranking("Charged", "Service", "Credits", [("few", 3), ("none", 0), ("many", 12_345)])
    assert chart.labels == ("many", "few", "none")
    assert chart.text == "Charged: many 12,345, few 3."
    root = svg_of(chart)
    assert {"many", "few", "none", "12,345", "3", "0"} <= set(texts(root))
    lengths = sorted(float(bar.attrib.get("width", 0)) for bar in bars_of(root))
    assert len(lengths) == 3
    assert lengths[2] > 1000 * lengths[1] > lengths[0]


def test_columns_stand_on_each_other() -> None:
    series = [Series("a", (1, 0, 4)), Series("b", (2, 0, 0), Tone.BAD)]
    chart = columns("Used", "Hour", ["one", "two", "three"], series)
    assert chart.text == "Used: a 5, b 2. Most at three: 4."
    root = svg_of(chart)
    assert len(bars_of(root)) == 3  # none for what there was nothing of
    assert {"one", "two", "three"} <= set(texts(root))


def test_only_some_labels_are_written() -> None:
    labels = [f"h{hour}" for hour in range(24)]
    chart = columns("Used", "Hour", labels, [Series("a", tuple(range(24)))], every=6)
    written = [text for text in texts(svg_of(chart)) if text.startswith("h")]
    assert written == ["h3", "h9", "h15", "h21"]


def test_pictures_run_nothing_and_load_nothing() -> None:
    chart = ranking("Used", "By", "Requests", [("<script>alert(1)</script>&\"'", 3)])
    root = svg_of(chart)
    assert "<script>alert(1)</script>&\"'" in texts(root)
    names = {node.tag.removeprefix(SVG) for node in root.iter()}
    assert not names & {"script", "foreignObject", "image", "use", "a"}
    assert not [name for node in root.iter() for name in node.attrib if name.endswith("href")]
    style = "".join(node.text or "" for node in root.iter(f"{SVG}style"))
    assert "prefers-color-scheme:dark" in style
    assert "url(" not in style


def test_nothing_is_not_drawn() -> None:
    for chart in (ranking("Used", "By", "N", [("a", 0)]), ranking("Used", "By", "N", [])):
        assert (chart.image, chart.text) == (None, "Used: nothing.")
    empty = columns("Used", "By", ["a"], [Series("n", (0,))])
    assert empty.image is None
