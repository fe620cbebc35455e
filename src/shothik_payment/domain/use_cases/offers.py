"""Which gateway takes a payment, and in which currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from shothik_payment.domain.errors import InvalidRequest, Unavailable
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.plan import Plan
from shothik_payment.domain.model.subscription import Subscription
from shothik_payment.domain.ports.gateway import PaymentGateway


@dataclass(frozen=True, slots=True)
class Choice:
    """What a user asks for when something may have to be paid; None: as it comes."""

    gateway: str | None = None
    currency: str | None = None
    success_url: str | None = None
    cancel_url: str | None = None


def choose_gateway(
    gateways: Mapping[str, PaymentGateway],
    prices: Mapping[str, Money],
    name: str | None,
    currency: str | None,
) -> tuple[PaymentGateway, str]:
    """The gateway, by request or else by currency, and the currency, by request or else the first
    in which it is sold and that can be paid in. `gateways` in the order in which one is picked.
    Raises InvalidRequest, Unavailable."""
    if not gateways:
        raise Unavailable("No payment gateway is configured.", retry_after_seconds=60)
    if name is not None and name not in gateways:
        raise InvalidRequest.of("gateway", f"one of {', '.join(gateways)}")
    asked = gateways.values() if name is None else [gateways[name]]
    for wanted in prices if currency is None else [currency]:
        for gateway in asked:
            if wanted in prices and wanted in gateway.capabilities.currencies:
                return gateway, wanted
    taken = {c for gateway in asked for c in gateway.capabilities.currencies}
    sold_in = [c for c in prices if c in taken]
    raise InvalidRequest.of("currency", f"one of {', '.join(sold_in) or 'none'}")


def choose_for_plan(
    gateways: Mapping[str, PaymentGateway],
    plan: Plan | None,
    choice: Choice,
    current: Subscription | None,
) -> Choice:
    """The choice with the gateway and the currency filled in, where the plan has a price; a
    subscription that is paid for stays with its own. Raises as `choose_gateway`."""
    if current is not None and current.gateway is not None:
        return replace(choice, gateway=current.gateway, currency=current.currency)
    if plan is None or plan.free:
        return choice
    gateway, currency = choose_gateway(gateways, plan.prices, choice.gateway, choice.currency)
    return replace(choice, gateway=gateway.name, currency=currency)
