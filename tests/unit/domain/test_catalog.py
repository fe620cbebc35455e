"""The rate card: every started lot is charged; prices of packs; order."""

import pytest

from shothik_payment.domain.catalog import MAX_CREDITS, Catalog, Pack, Service
from shothik_payment.domain.errors import InvalidRequest, NotFound
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.plan import EVERYTHING, Interval, Terms

PARAPHRASE = Service("paraphrase", "paraphrase_service", "character", 100, 1, aliases=("humanize",))
SUMMARIZE = Service("summarize", "summarize_service", "word", 1000, 2)
SLIDE = Service("slide", "slide_service", "deck", 1, 10)
CATALOG = Catalog(
    (PARAPHRASE, SUMMARIZE, SLIDE),
    (Pack("credits_100", "100 credits", 100, {"USD": Money(1000, "USD")}),),
    {"USD": Money(10, "USD"), "BDT": Money(1200, "BDT")},
)


@pytest.mark.parametrize(
    ("service", "units", "credits"),
    [
        (PARAPHRASE, 1, 1),
        (PARAPHRASE, 100, 1),
        (PARAPHRASE, 101, 2),
        (PARAPHRASE, 200, 2),
        (SUMMARIZE, 1, 2),
        (SUMMARIZE, 1000, 2),
        (SUMMARIZE, 1001, 4),
        (SLIDE, 3, 30),
        (PARAPHRASE, 10**9, 10**7),
    ],
)
def test_every_started_lot_is_charged(service: Service, units: int, credits: int) -> None:
    assert service.credits_for(units) == credits


def test_units_beyond_the_largest_movement_are_refused() -> None:
    assert SLIDE.credits_for(MAX_CREDITS // 10) == MAX_CREDITS
    with pytest.raises(InvalidRequest) as refused:
        SLIDE.credits_for(MAX_CREDITS // 10 + 1)
    assert [problem.path for problem in refused.value.fields] == ["units"]


@pytest.mark.parametrize("word", ["paraphrase", "paraphrase_service", "humanize"])
def test_a_service_is_found_by_slug_name_and_alias(word: str) -> None:
    assert CATALOG.service(word) is CATALOG.find_service(word) is PARAPHRASE


def test_an_unknown_service_is_refused_with_the_names_that_exist() -> None:
    assert CATALOG.find_service("Paraphrase") is None
    with pytest.raises(InvalidRequest, match="paraphrase_service, summarize_service"):
        CATALOG.service("nope")


def test_packs_by_id_and_any_number_of_credits_by_their_price() -> None:
    assert CATALOG.pack("credits_100").credits == 100
    with pytest.raises(NotFound):
        CATALOG.pack("credits_7")
    pack = CATALOG.credits_pack(250)
    assert pack.credits == 250
    assert pack.prices == {"USD": Money(2500, "USD"), "BDT": Money(300_000, "BDT")}


@pytest.mark.parametrize(("credits", "allowed"), [(9, 0), (10, 1), (100_000, 1), (100_001, 0)])
def test_a_purchase_has_its_bounds(credits: int, allowed: int) -> None:
    if allowed:
        assert CATALOG.credits_pack(credits).credits == credits
    else:
        with pytest.raises(InvalidRequest, match="10 to 100000"):
            CATALOG.credits_pack(credits)


def test_names_come_in_the_catalogs_order_and_unknown_ones_last() -> None:
    names = {"zz", "aa", "slide_service", "paraphrase_service"}
    assert CATALOG.in_order(names) == ("paraphrase_service", "slide_service", "aa", "zz")


def test_what_a_plan_includes_comes_in_the_catalogs_order() -> None:
    some = Terms("p", "P", Interval.MONTH, None, services=("slide_service", "paraphrase_service"))
    assert CATALOG.included(some) == ["paraphrase_service", "slide_service"]
    assert CATALOG.included(EVERYTHING) == [service.name for service in CATALOG.services]


def test_money_is_never_negative_nor_of_an_unknown_currency() -> None:
    with pytest.raises(ValueError, match="negative"):
        Money(-1, "USD")
    with pytest.raises(ValueError, match="XYZ"):
        Money(1, "XYZ")
    assert Money(1, "USD") != Money(1, "BDT")
    assert [str(Money(n, "USD")) for n in (0, 5, 1005)] == ["0.00 USD", "0.05 USD", "10.05 USD"]
