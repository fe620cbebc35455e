"""Plans: what a subscription is to, and the terms that one was made under."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.time import HOUR


class Interval(StrEnum):
    MONTH = "month"
    YEAR = "year"

    @property
    def months(self) -> int:
        return 12 if self is Interval.YEAR else 1


class LimitUnit(StrEnum):
    """`COUNT`: how often a service may charge. `CREDITS`: how much it may charge in all."""

    COUNT = "count"
    CREDITS = "credits"


@dataclass(frozen=True, slots=True)
class Limit:
    """`allowed` in each of the plan's periods."""

    unit: LimitUnit
    allowed: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What a subscription gives and costs for one period of `interval`.

    `price` None: nothing is paid. `credits` come at the start of a period and end with it, but for
    up to `rollover` unspent ones, which go on into the next. `services` by name, None: every
    service. `limits` by service name; a service without one is not limited. From `warn_percent`
    of a limit on its user is told to be near it.
    """

    plan: str
    title: str
    interval: Interval
    price: Money | None
    credits: int = 0
    rollover: int = 0
    services: tuple[str, ...] | None = None
    limits: dict[str, Limit] = field(default_factory=dict)
    warn_percent: int = 80
    pausable: bool = False

    def includes(self, service: str) -> bool:
        return self.services is None or service in self.services

    @property
    def price_minor(self) -> int:
        return 0 if self.price is None else self.price.amount_minor

    @property
    def yearly_minor(self) -> int:
        """To compare plans by."""
        return self.price_minor * (12 // self.interval.months)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is on sale: `terms` for each of the `prices`, by currency; a plan without a price is
    free. `trial_days`: a user's first subscription begins unpaid, with `trial_credits` that end
    with the trial."""

    terms: Terms
    prices: dict[str, Money] = field(default_factory=dict)
    trial_days: int = 0
    trial_credits: int = 0

    @property
    def id(self) -> str:
        return self.terms.plan

    @property
    def free(self) -> bool:
        return not self.prices

    def terms_in(self, currency: str | None) -> Terms | None:
        """None: it is not sold in that currency."""
        if self.free:
            return self.terms
        price = None if currency is None else self.prices.get(currency)
        return None if price is None else _priced(self.terms, price)


def _priced(terms: Terms, price: Money) -> Terms:
    return Terms(
        terms.plan,
        terms.title,
        terms.interval,
        price,
        terms.credits,
        terms.rollover,
        terms.services,
        terms.limits,
        terms.warn_percent,
        terms.pausable,
    )


FREE_PLAN = "free"
EVERYTHING = Terms(FREE_PLAN, "Free", Interval.MONTH, None)
"""What a user without a subscription has where the catalog says nothing else."""


@dataclass(frozen=True, slots=True)
class Billing:
    """`plans` by id, as they are sold now. `free`: what a user without a subscription has.

    A renewal that is not paid is tried again `retries_ms` after the first try; the last one is
    the end. For `grace_ms` meanwhile the old credits live on and nobody is stopped. Who has not
    paid a first payment for `start_ms` has to begin again. Periods are reckoned in `time_zone`.
    """

    plans: dict[str, Plan] = field(default_factory=lambda: {FREE_PLAN: Plan(EVERYTHING)})
    free: Terms = EVERYTHING
    grace_ms: int = 24 * HOUR
    retries_ms: tuple[int, ...] = (4 * HOUR, 20 * HOUR, 72 * HOUR, 168 * HOUR)
    start_ms: int = 24 * HOUR
    time_zone: str = "UTC"
