"""A subscription keeps the terms that it was bought under; what is sold now counts from the next
period on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shothik_payment.domain.errors import PlanLimitReached
from shothik_payment.domain.ledger import commands as c
from shothik_payment.domain.ledger import subscription_commands as s
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import Payment, PaymentStatus
from shothik_payment.domain.model.plan import Billing, Interval, Limit, LimitUnit, Plan, Terms
from shothik_payment.domain.model.subscription import Subscription
from shothik_payment.domain.model.time import DAY, Millis
from tests.support.world import PARAPHRASE, World

JANUARY_31 = Millis(1_769_817_600_000)
MARCH_1 = Millis(JANUARY_31 + 29 * DAY)


def plan(price: dict[str, int], credits: int, allowed: int) -> Plan:
    limits = {PARAPHRASE: Limit(LimitUnit.CREDITS, allowed)}
    terms = Terms("basic", "Basic", Interval.MONTH, None, credits, limits=limits)
    return Plan(terms, {currency: Money(minor, currency) for currency, minor in price.items()})


def sold(world: World, *plans: Plan) -> None:
    """From now on."""
    world.rules = replace(world.rules, billing=Billing({p.id: p for p in plans}))


def subscribed() -> World:
    """To basic on 31 January: 5 dollars for 100 credits, of which paraphrase may charge 50."""
    world = World()
    world.now = JANUARY_31
    sold(world, plan({"USD": 500}, 100, 50))
    world.do(s.Subscribe, plan="basic", gateway="sandbox", currency="USD")
    world.settle(charge(world).id, Money(500, "USD"))
    return world


def charge(world: World) -> Payment:
    """The one payment that is open."""
    payments = world.state.user(world.user).payments.values()
    (payment,) = [p for p in payments if p.status is PaymentStatus.CREATED]
    return payment


def subscription(world: World) -> Subscription:
    assert world.wallet.subscription is not None
    return world.wallet.subscription


def test_a_changed_plan_counts_from_the_next_period_on() -> None:
    world = subscribed()
    sold(world, plan({"USD": 700}, 300, 20))
    world.deduct(50)
    world.refusal(PlanLimitReached, c.Deduct, amount=1, service=PARAPHRASE)
    world.now = MARCH_1
    world.expire()
    renewal = charge(world)
    assert (renewal.price, renewal.credits) == (Money(700, "USD"), 300)
    assert subscription(world).terms.price == Money(500, "USD")  # until it is paid
    world.settle(renewal.id, Money(700, "USD"))
    assert world.wallet.available == 300
    world.deduct(20)
    world.refusal(PlanLimitReached, c.Deduct, amount=1, service=PARAPHRASE)


def test_what_is_charged_was_agreed_when_it_was_asked_for() -> None:
    world = subscribed()
    world.now = MARCH_1
    world.expire()
    renewal = charge(world)
    sold(world, plan({"USD": 700}, 300, 20))
    world.settle(renewal.id, Money(500, "USD"))
    assert (subscription(world).terms.price, world.wallet.available) == (Money(500, "USD"), 100)


def test_a_plan_that_is_not_sold_any_more_goes_on_as_it_was() -> None:
    for left in ((), (plan({"BDT": 60_000}, 300, 20),)):
        world = subscribed()
        sold(world, *left)
        world.now = MARCH_1
        world.expire()
        renewal = charge(world)
        assert (renewal.price, renewal.credits) == (Money(500, "USD"), 100)


def test_a_plan_that_is_free_by_now_renews_without_a_payment() -> None:
    world = subscribed()
    sold(world, plan({}, 30, 20))
    world.now = MARCH_1
    world.expire()
    payments = world.state.user(world.user).payments
    assert [payment.status for payment in payments.values()] == [PaymentStatus.PAID]
    assert (world.wallet.available, subscription(world).period) == (30, 1)


def test_a_free_plan_that_has_changed_counts_from_the_next_period_on() -> None:
    world = World()
    world.now = JANUARY_31
    sold(world, plan({}, 30, 20))
    world.do(s.Subscribe, plan="basic")
    sold(world, plan({}, 100, 40))
    world.deduct(20)
    world.refusal(PlanLimitReached, c.Deduct, amount=1, service=PARAPHRASE)
    world.now = MARCH_1
    world.expire()
    assert world.wallet.available == 100
    world.deduct(40)
    world.refusal(PlanLimitReached, c.Deduct, amount=1, service=PARAPHRASE)


@pytest.mark.parametrize("left", [(), (plan({"USD": 700}, 300, 20),)])
def test_a_free_plan_that_is_not_free_any_more_goes_on_as_it_was(left: tuple[Plan, ...]) -> None:
    world = World()
    world.now = JANUARY_31
    sold(world, plan({}, 30, 20))
    world.do(s.Subscribe, plan="basic")
    sold(world, *left)
    world.now = MARCH_1
    world.expire()
    assert (world.wallet.available, subscription(world).period) == (30, 1)
    assert not world.state.user(world.user).payments
