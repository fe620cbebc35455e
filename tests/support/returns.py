"""A purchase, and what the gateway says of its refunds."""

from __future__ import annotations

from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import Refund, RefundState
from shothik_payment.domain.ports.gateway import GatewayRefund
from tests.support.world import World

PENDING, SUCCEEDED, FAILED = RefundState.PENDING, RefundState.SUCCEEDED, RefundState.FAILED


def purchase(others: int = 0) -> World:
    """100 credits were bought for 10.00 USD; so many others are there, which are spent last."""
    world = World()
    world.open_payment()
    world.settle()
    if others:
        world.grant(others, priority=9)
    world.heard()
    return world


def refunded(
    amount_minor: int, state: RefundState = SUCCEEDED, refund: Refund | None = None, nth: int = 1
) -> GatewayRefund:
    """What the gateway says of its `nth` refund; `refund` None: it began there."""
    ours = None if refund is None else refund.id
    code = "bank_account_closed" if state is FAILED else None
    return GatewayRefund(f"re_{nth}", Money(amount_minor, "USD"), state, ours, code)


def refund(world: World, amount_minor: int | None = None, nth: int = 1) -> Refund:
    begun = world.begin_refund(amount_minor)
    world.record_refund(refunded(begun.amount_minor, refund=begun, nth=nth))
    return world.stored_payment("pay_1").refunds[-1]


def figures(world: World) -> tuple[int, int, int]:
    """Available, held, owed."""
    return world.wallet.available, world.wallet.held, world.wallet.debt
