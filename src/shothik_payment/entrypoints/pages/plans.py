"""What people call the services, and what plans give of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from shothik_payment.domain.catalog import Catalog
from shothik_payment.domain.model.plan import LimitUnit, Terms
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.entrypoints.pages.figures import number

Standing = Annotated[
    str, Meta(max_length=300, extra={"expected": "how the page said that the plan stands"})
]
"""`Subscription.standing`, as a form sends it back."""

_UNITS = {LimitUnit.COUNT: "charges", LimitUnit.CREDITS: "credits"}


@dataclass(frozen=True, slots=True)
class Gives:
    """What the terms give in a period. `services` by title, None: every one; `limits`: pairs of a
    service's title and what is allowed of it."""

    terms: Terms
    services: tuple[str, ...] | None
    limits: tuple[tuple[str, str], ...]


def standing_shown(wallet: Wallet) -> dict[str, str]:
    """What a form that cancels sends back of its page: how what it ends stood."""
    found = wallet.subscription
    return {} if found is None else {"shown": found.standing}


def titles_of(catalog: Catalog) -> dict[str, str]:
    """What people call the services, by name."""
    return {service.name: service.title or service.slug for service in catalog.services}


def gives_of(terms: Terms, titles: dict[str, str]) -> Gives:
    """A service that the catalog has no more goes by its name."""
    services = None
    if terms.services is not None:
        services = tuple(titles.get(name, name) for name in terms.services)
    limits = tuple(
        (titles.get(name, name), f"{number(limit.allowed)} {_UNITS[limit.unit]}")
        for name, limit in terms.limits.items()
    )
    return Gives(terms, services, limits)
