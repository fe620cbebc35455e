"""The plans on sale, as anyone sees them."""

from __future__ import annotations

from dataclasses import replace

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
from shothik_payment.entrypoints.catalog_file import load_catalog
from tests.integration.http.catalog import CATALOG
from tests.integration.http.support import World, running

YEARLY = Terms(
    "yearly",
    "Yearly",
    Interval.YEAR,
    None,
    credits=500,
    rollover=50,
    services=("paraphrase_service",),
    limits={"paraphrase_service": Limit(LimitUnit.CREDITS, 400)},
    pausable=True,
)
PRICES = {"USD": Money(5000, "USD"), "BDT": Money(600_000, "BDT")}


async def test_anyone_sees_the_plans_in_full() -> None:
    plans = {"free": Plan(EVERYTHING), "yearly": Plan(YEARLY, PRICES, 14, 20)}
    catalog = replace(CATALOG, billing=Billing(plans))
    async with running(World(catalog=catalog)) as world, world.client() as anyone:
        answer = await anyone.get("/plans")
    free = {
        "id": "free",
        "title": "Free",
        "interval": "month",
        "prices": {},
        "credits": 0,
        "rollover": 0,
        "trialDays": 0,
        "trialCredits": 0,
        "services": ["paraphrase_service", "slide_service"],
        "limits": {},
        "pausable": False,
    }
    yearly = {
        "id": "yearly",
        "title": "Yearly",
        "interval": "year",
        "prices": {"USD": 5000, "BDT": 600_000},
        "credits": 500,
        "rollover": 50,
        "trialDays": 14,
        "trialCredits": 20,
        "services": ["paraphrase_service"],
        "limits": {"paraphrase_service": {"unit": "credits", "allowed": 400}},
        "pausable": True,
    }
    assert answer.status_code == 200
    assert answer.json() == {"success": True, "plans": [free, yearly]}


async def test_the_shipped_plans() -> None:
    async with running(World(catalog=load_catalog())) as world, world.client() as anyone:
        plans = (await anyone.get("/plans")).json()["plans"]
    assert [plan["id"] for plan in plans] == ["free", "pro", "team"]
    assert all(len(plan["services"]) == 9 for plan in plans)
