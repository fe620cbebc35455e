"""The catalog file: what is shipped, and how a fault in one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from shothik_payment.domain.errors import Misconfigured
from shothik_payment.domain.model.money import Money
from shothik_payment.entrypoints.catalog_file import load_catalog, parse_catalog

SMALL = """\
# a comment, so that lines count
[services.echo]
name = "echo_service"
unit = "word"
per = 10
credits = 2

[packs.ten]
credits = 10
prices = { USD = 100 }
"""


@pytest.mark.parametrize(
    ("service", "unit", "per", "credits"),
    [
        ("paraphrase_service", "character", 100, 1),
        ("slide_service", "deck", 1, 10),
        ("sheet_service", "sheet", 1, 5),
        ("research_service", "query", 1, 20),
        ("adcopy_service", "copy", 1, 3),
        ("adimage_service", "image", 1, 15),
        ("advideo_service", "video", 1, 50),
        ("summarize_service", "word", 1000, 2),
        ("translate_service", "character", 200, 1),
    ],
)
def test_the_shipped_rate_card(service: str, unit: str, per: int, credits: int) -> None:
    found = load_catalog().service(service)
    assert (found.unit, found.per, found.credits) == (unit, per, credits)
    assert load_catalog().service(found.slug) == found


def test_the_examples_of_the_rate_card() -> None:
    catalog = load_catalog()
    assert catalog.service("paraphrase").credits_for(101) == 2
    assert catalog.service("summarize").credits_for(1001) == 4


def test_ten_dollars_buy_a_hundred_credits() -> None:
    pack = load_catalog().pack("credits_100")
    assert (pack.credits, pack.prices["USD"]) == (100, Money(1000, "USD"))
    assert set(pack.prices) == {"USD", "BDT"}
    assert load_catalog().credits_pack(100).prices["USD"] == Money(1000, "USD")


def test_credits_come_in_packs_only_where_no_single_price_is_set() -> None:
    catalog = parse_catalog(SMALL, "c.toml")
    assert catalog.credits_pack(10).prices == {}
    assert catalog.pack("ten").title == "10 credits"


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("per = 10", "per = 0", "line 5, services.echo.per"),
        ("per = 10", "per = true", "line 5, services.echo.per"),
        ("per = 10", 'per = "10"', "line 5, services.echo.per"),
        ("per = 10", "pre = 10", "line 5, services.echo.pre"),
        ("per = 10\n", "", "line 2, services.echo.per"),
        (
            "credits = 2",
            "credits = 2\nrate_limit_per_hour = 0",
            "services.echo.rate_limit_per_hour",
        ),
        ('"echo_service"', '"Echo"', "line 3, services.echo.name"),
        ("services.echo", "services.Echo", "line 2, services.Echo"),
        ("per = 10", 'per = 10\naliases = ["echo"]', "line 6, services.echo.aliases"),
        ("per = 10", 'per = 10\naliases = ["a b"]', "line 6, services.echo.aliases"),
        ("USD = 100", "USD = 1.5", "line 10, packs.ten.prices.USD"),
        ("USD = 100", "XAU = 100", "line 10, packs.ten.prices.XAU"),
        ("{ USD = 100 }", "{}", "line 10, packs.ten.prices"),
        ("{ USD = 100 }", "5", "line 10, packs.ten.prices"),
        ("# a comment", "service = 1\n# a comment", "line 1, service"),
        ("# a comment", "reversal_grace_hours = -1\n# a", "line 1, reversal_grace_hours"),
        ("per = 10", "per = ", "c.toml"),
    ],
)
def test_a_fault_is_named_with_its_place(old: str, new: str, place: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        parse_catalog(SMALL.replace(old, new, 1), "c.toml")
    assert caught.value.where.startswith("c.toml")
    assert place in caught.value.where


def test_a_catalog_without_services_is_refused() -> None:
    with pytest.raises(Misconfigured, match="at least one service"):
        parse_catalog("", "c.toml")


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="CATALOG_FILE: cannot read"):
        load_catalog(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_bytes(b"\xff")
    with pytest.raises(Misconfigured, match="is not UTF-8 text"):
        load_catalog(tmp_path / "bad.toml")
