"""The plans of the catalog file: what is shipped, what may be left out, and how a fault is told."""

from __future__ import annotations

import pytest

from shothik_payment.domain.errors import Misconfigured
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.plan import (
    EVERYTHING,
    Billing,
    Interval,
    Limit,
    LimitUnit,
    Plan,
    Terms,
)
from shothik_payment.domain.model.time import HOUR
from shothik_payment.entrypoints.catalog_file import load_catalog, parse_catalog

SERVICES = """\
[services.echo]
name = "echo_service"
unit = "word"
per = 10
credits = 2
aliases = ["say"]

[services.draw]
name = "draw_service"
unit = "image"
per = 1
credits = 5

"""
PLANS = """\
[plans.free]
services = ["draw"]

[plans.big]
title = "Big"
interval = "year"
prices = { USD = 100, BDT = 12000 }
credits = 50
rollover = 500
services = ["draw_service", "say"]
limits = { say = { count = 7 }, draw = { credits = 40 } }
warn_percent = 90
pausable = true
trial_days = 14
trial_credits = 5

[billing]
grace_hours = 12
retry_hours = [1, 13]
start_hours = 48
time_zone = "Asia/Dhaka"
"""


def parse(plans: str) -> Billing:
    return parse_catalog(SERVICES + plans, "c.toml").billing


def test_the_shipped_plans() -> None:
    billing = load_catalog().billing
    assert list(billing.plans) == ["free", "pro", "team"]
    assert billing.free == EVERYTHING
    assert billing.plans["free"] == Plan(EVERYTHING)
    pro, team = billing.plans["pro"], billing.plans["team"]
    assert pro.prices == {"USD": Money(1500, "USD"), "BDT": Money(180_000, "BDT")}
    assert team.prices == {"USD": Money(4900, "USD"), "BDT": Money(588_000, "BDT")}
    assert (pro.terms.credits, team.terms.credits) == (2000, 8000)
    assert (pro.trial_days, team.trial_days) == (0, 0)
    assert (pro.terms.pausable, team.terms.pausable) == (False, True)
    for plan in billing.plans.values():
        assert (plan.terms.services, plan.terms.limits) == (None, {})


def test_a_file_without_plans_gives_everybody_everything() -> None:
    assert parse("") == Billing(plans={"free": Plan(EVERYTHING)})


def test_a_plan_in_full() -> None:
    terms = Terms(
        plan="big",
        title="Big",
        interval=Interval.YEAR,
        price=None,
        credits=50,
        rollover=500,
        services=("echo_service", "draw_service"),  # as the catalog has them
        limits={
            "echo_service": Limit(LimitUnit.COUNT, 7),
            "draw_service": Limit(LimitUnit.CREDITS, 40),
        },
        warn_percent=90,
        pausable=True,
    )
    prices = {"USD": Money(100, "USD"), "BDT": Money(12_000, "BDT")}
    free = Terms("free", "free", Interval.MONTH, None, services=("draw_service",))
    assert parse(PLANS) == Billing(
        plans={"free": Plan(free), "big": Plan(terms, prices, 14, 5)},
        free=free,
        grace_ms=12 * HOUR,
        retries_ms=(HOUR, 13 * HOUR),
        start_ms=48 * HOUR,
        time_zone="Asia/Dhaka",
    )


def test_unlimited_is_no_limit() -> None:
    billing = parse(PLANS.replace("{ count = 7 }", '"unlimited"'))
    assert set(billing.plans["big"].terms.limits) == {"draw_service"}


def faults(*cases: tuple[str, str, str, str]) -> pytest.MarkDecorator:
    """What is replaced in the file, by what, the place of the fault, and a part of its words."""
    return pytest.mark.parametrize(("old", "new", "place", "words"), cases)


@faults(
    ('interval = "year"', 'interval = "week"', "line 19, plans.big.interval", "month, year"),
    ('interval = "year"', "interval = [1]", "line 19, plans.big.interval", "month, year"),
    ('title = "Big"', "title = 1", "line 18, plans.big.title", "expected text"),
    ('title = "Big"', 'title = " "', "line 18, plans.big.title", "expected text"),
    ("credits = 50\n", "", "line 17, plans.big.credits", "a whole number 1 to"),
    ("credits = 50\n", "credits = 0\n", "line 21, plans.big.credits", "found 0"),
    ("rollover = 500", "rollover = 501", "line 22, plans.big.rollover", "at most 10 times"),
    ("rollover = 500", "rollover = -1", "line 22, plans.big.rollover", "found -1"),
    ("warn_percent = 90", "warn_percent = 0", "line 25, plans.big.warn_percent", "1 to 100"),
    ("warn_percent = 90", "warn_percent = 101", "line 25, plans.big.warn_percent", "1 to 100"),
    ("pausable = true", "pausable = 1", "line 26, plans.big.pausable", "true or false"),
    ("trial_days = 14", "trial_days = 366", "line 27, plans.big.trial_days", "0 to 365"),
    ("trial_days = 14\n", "", "line 27, plans.big.trial_credits", "only a plan with trial_days"),
    ("USD = 100", "USD = 0", "line 20, plans.big.prices.USD", "found 0"),
    ("prices = ", "price = ", "line 20, plans.big.price", "unknown"),
    ("prices = { USD = 100, BDT = 12000 }\n", "", "line 26, plans.big.trial_days", "with a price"),
    ("[plans.big]", '[plans."a b"]', "plans.a b", "visible characters"),
)
def test_a_fault_in_a_plan(old: str, new: str, place: str, words: str) -> None:
    expect_fault(old, new, place, words)


@faults(
    ('["draw_service", "say"]', '["paint"]', "line 23, plans.big.services", "'paint'"),
    ('["draw_service", "say"]', "[]", "line 23, plans.big.services", "at least one"),
    ('["draw_service", "say"]', '"draw"', "line 23, plans.big.services", "a list of words"),
    ('["draw_service", "say"]', '["draw", "draw_service"]', "line 23, plans.big.services", "twice"),
    ("say = {", "paint = {", "line 24, plans.big.limits.paint", "echo_service, draw_service"),
    ("say = {", "draw_service = {", "line 24, plans.big.limits.draw", "draw_service is there"),
    ("count = 7", "count = 0", "line 24, plans.big.limits.say.count", "found 0"),
    ("count = 7", "count = true", "line 24, plans.big.limits.say.count", "found True"),
    ("count = 7", "calls = 7", "line 24, plans.big.limits.say", "{ count = n }"),
    ("count = 7", "count = 7, credits = 7", "line 24, plans.big.limits.say", "{ count = n }"),
    ("{ count = 7 }", '"none"', "line 24, plans.big.limits.say", '"unlimited"'),
    ("{ count = 7 }", "7", "line 24, plans.big.limits.say", "found 7"),
    ('services = ["draw"]', 'services = ["draw"]\nlimits.echo = "unlimited"',
     "line 16, plans.free.limits.echo", "does not include"),
)  # fmt: skip
def test_a_fault_in_services_and_limits(old: str, new: str, place: str, words: str) -> None:
    expect_fault(old, new, place, words)


@faults(
    ('services = ["draw"]', "prices = { USD = 1 }", "line 15, plans.free.prices", "no price"),
    ('services = ["draw"]', "trial_days = 1", "line 15, plans.free.trial_days", "with a price"),
    ("[plans.free]", "[plans.none]", "line 14, plans", "[plans.free]"),
    ("[plans.free]", "[plans]", "plans.services", "expected a table"),
)
def test_a_fault_in_the_free_plan(old: str, new: str, place: str, words: str) -> None:
    expect_fault(old, new, place, words)


@faults(
    ("grace_hours = 12", "grace_hours = 0", "line 31, billing.grace_hours", "1 to 8760"),
    ("[1, 13]", "[]", "line 32, billing.retry_hours", "1 to 20 rising"),
    ("[1, 13]", "[13, 1]", "line 32, billing.retry_hours", "1 to 20 rising"),
    ("[1, 13]", "[13, 13]", "line 32, billing.retry_hours", "1 to 20 rising"),
    ("[1, 13]", str(list(range(1, 22))), "line 32, billing.retry_hours", "1 to 20 rising"),
    ("[1, 13]", "[1, 12]", "line 32, billing.retry_hours", "after the 12 grace_hours"),
    ("[1, 13]", "[1, 13.5]", "line 32, billing.retry_hours", "found [1, 13.5]"),
    ("[1, 13]", "13", "line 32, billing.retry_hours", "found 13"),
    ("start_hours = 48", "start_hours = 8761", "line 33, billing.start_hours", "found 8761"),
    ("Asia/Dhaka", "Asia/Dacca City", "line 34, billing.time_zone", "Asia/Dacca City"),
    ("Asia/Dhaka", "Asia", "line 34, billing.time_zone", "found 'Asia'"),
    ("Asia/Dhaka", "../UTC", "line 34, billing.time_zone", "found '../UTC'"),
    ("Asia/Dhaka", "", "line 34, billing.time_zone", "found ''"),
    ("time_zone", "timezone", "line 34, billing.timezone", "unknown"),
)
def test_a_fault_in_billing(old: str, new: str, place: str, words: str) -> None:
    expect_fault(old, new, place, words)


def expect_fault(old: str, new: str, place: str, words: str) -> None:
    assert PLANS.count(old) == 1
    with pytest.raises(Misconfigured) as caught:
        parse(PLANS.replace(old, new, 1))
    assert caught.value.where.startswith("c.toml")
    assert place in caught.value.where
    assert words in caught.value.problem
