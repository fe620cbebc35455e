"""How a wallet stands, as its user is told."""

from __future__ import annotations

from dataclasses import dataclass

from shothik_payment.domain.catalog import Catalog
from shothik_payment.domain.model.stop import StopCause
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.entrypoints.pages.plans import titles_of


def plan_titles(catalog: Catalog) -> dict[str, str]:
    """What people call the plans on sale, by id."""
    return {plan_id: plan.terms.title for plan_id, plan in catalog.billing.plans.items()}


@dataclass(frozen=True, slots=True)
class Stopped:
    """`services` by title; none: every service. `payment_id`: of a dispute."""

    cause: StopCause
    services: tuple[str, ...]
    payment_id: str | None


def stopped(wallet: Wallet, catalog: Catalog) -> list[Stopped]:
    """Why something does not work now, each cause once."""
    titles, found = titles_of(catalog), []
    for cause in dict.fromkeys(stop.cause for stop in wallet.stops):
        own = [stop for stop in wallet.stops if stop.cause is cause]
        services = sorted(titles.get(s.service, s.service) for s in own if s.service is not None)
        disputed = own[0].reference if cause is StopCause.DISPUTE else None
        found.append(Stopped(cause, tuple(services), disputed))
    return found
