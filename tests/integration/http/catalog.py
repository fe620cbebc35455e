"""What the services of these tests sell."""

from __future__ import annotations

from shothik_payment.domain.catalog import Catalog, Pack, Service
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

_MONTH = Interval.MONTH
_LIMITS = {
    "paraphrase_service": Limit(LimitUnit.CREDITS, 100),
    "slide_service": Limit(LimitUnit.COUNT, 3),
}
_LITE = Terms("lite", "Lite", _MONTH, None, 500, limits=_LIMITS)
_TEXT = Terms("text", "Text only", _MONTH, None, 30, services=("paraphrase_service",))


def _usd(minor: int) -> dict[str, Money]:
    return {"USD": Money(minor, "USD")}


PLANS = (
    Plan(EVERYTHING),
    Plan(_TEXT),
    Plan(_LITE, _usd(1000)),
    Plan(Terms("pro", "Pro", _MONTH, None, 2000, 500, pausable=True), _usd(3000)),
    Plan(Terms("trial", "Trial", _MONTH, None, 2000), _usd(3000), trial_days=14, trial_credits=20),
)
CATALOG = Catalog(
    services=(
        Service("paraphrase", "paraphrase_service", "character", 100, 1, aliases=("reword",)),
        Service("slide", "slide_service", "deck", 1, 10, rate_limit_per_hour=3),
    ),
    packs=(
        Pack("credits_100", "100 credits", 100, {"USD": Money(1000, "USD")}),
        Pack("taka_only", "10 credits", 10, {"BDT": Money(12000, "BDT")}),
    ),
    credit_prices={"USD": Money(10, "USD")},
    billing=Billing({plan.id: plan for plan in PLANS}),
)
