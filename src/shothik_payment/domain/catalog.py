"""What is sold: services with their rate card, packs of credits, and plans."""

from __future__ import annotations

from dataclasses import dataclass, field

from shothik_payment.domain.errors import InvalidRequest, NotFound
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.plan import Billing, Terms
from shothik_payment.domain.model.time import HOUR

MAX_CREDITS = 1_000_000_000
"""The most credits, or units, that one request may move."""


@dataclass(frozen=True, slots=True)
class Service:
    """A microservice. It charges `credits` for every started lot of `per` units."""

    slug: str
    name: str
    unit: str
    per: int
    credits: int
    title: str = ""
    aliases: tuple[str, ...] = ()
    rate_limit_per_hour: int | None = None

    def credits_for(self, units: int) -> int:
        """⌈units ÷ per⌉ × credits; refuses what comes to more than a request may move."""
        charge = -(-units // self.per) * self.credits
        if charge > MAX_CREDITS:
            raise InvalidRequest.of("units", f"units that cost at most {MAX_CREDITS} credits")
        return charge


@dataclass(frozen=True, slots=True)
class Pack:
    """`credits` for a price in each of the currencies it is sold in, by currency code."""

    id: str
    title: str
    credits: int
    prices: dict[str, Money]


@dataclass(frozen=True, slots=True)
class Catalog:
    """Order is kept: events about several services come in the order of `services`.

    `credit_prices`: what one credit costs outside packs, by currency; such a purchase is of
    `min_purchase` to `max_purchase` credits.
    """

    services: tuple[Service, ...]
    packs: tuple[Pack, ...]
    credit_prices: dict[str, Money] = field(default_factory=dict)
    min_purchase: int = 10
    max_purchase: int = 100_000
    reversal_grace_ms: int = 72 * HOUR
    billing: Billing = field(default_factory=Billing)
    _services_by_word: dict[str, Service] = field(init=False, repr=False, compare=False)
    _packs_by_id: dict[str, Pack] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        words = {
            word: service
            for service in self.services
            for word in (service.slug, service.name, *service.aliases)
        }
        object.__setattr__(self, "_services_by_word", words)
        object.__setattr__(self, "_packs_by_id", {pack.id: pack for pack in self.packs})

    def find_service(self, word: str) -> Service | None:
        """By name, slug or alias."""
        return self._services_by_word.get(word)

    def service(self, word: str) -> Service:
        found = self._services_by_word.get(word)
        if found is None:
            names = ", ".join(service.name for service in self.services)
            raise InvalidRequest.of("service", f"one of {names}")
        return found

    def pack(self, pack_id: str) -> Pack:
        found = self._packs_by_id.get(pack_id)
        if found is None:
            raise NotFound("pack", pack_id)
        return found

    def credits_pack(self, credits: int) -> Pack:
        """Any number of credits as a pack of its own, at the price per credit."""
        if not self.min_purchase <= credits <= self.max_purchase:
            raise InvalidRequest.of("credits", f"{self.min_purchase} to {self.max_purchase}")
        prices = {
            currency: Money(price.amount_minor * credits, currency)
            for currency, price in self.credit_prices.items()
        }
        return Pack("", f"{credits} credits", credits, prices)

    def included(self, terms: Terms) -> list[str]:
        """The names of the services that a plan's terms include, in the catalog's order."""
        return [service.name for service in self.services if terms.includes(service.name)]

    def in_order(self, names: set[str]) -> tuple[str, ...]:
        """The given service names in the catalog's order; unknown ones last, sorted."""
        known = [service.name for service in self.services if service.name in names]
        return (*known, *sorted(names.difference(known)))
