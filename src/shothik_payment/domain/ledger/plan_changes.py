"""Another plan, a pause, and taking back what was to happen at the period's end."""

from __future__ import annotations

from dataclasses import dataclass

from shothik_payment.domain.errors import InvalidRequest, NotInThisStatus, SubscriptionPaymentOpen
from shothik_payment.domain.events import SubscriptionChanged
from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.credits import require_not_frozen
from shothik_payment.domain.ledger.limits import watch_limits
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.periods import same_period, tell, upgrade
from shothik_payment.domain.ledger.standing import (
    current_subscription,
    done,
    joined,
    plan_of,
    require_no_charge,
    require_renewed,
    require_status,
)
from shothik_payment.domain.ledger.subscription_charges import charge
from shothik_payment.domain.ledger.subscription_commands import (
    ChangePlan,
    KeepSubscription,
    PauseSubscription,
)
from shothik_payment.domain.model.money import least_charge_minor
from shothik_payment.domain.model.plan import Plan, Terms
from shothik_payment.domain.model.subscription import (
    PaidFor,
    StepKind,
    Subscription,
    SubscriptionStatus,
)


@dataclass(frozen=True, slots=True)
class Change:
    """What a change of plan costs at once and brings at once; `at_once` False: from the next
    period on."""

    at_once: bool
    due_minor: int = 0
    credits: int = 0


def change_of(account: Account, subscription: Subscription, terms: Terms) -> Change:
    """A dearer plan is had at once, for the unused part of the period at the difference. Every
    share is rounded down; where something is paid, at least one credit comes for it, and where
    nothing is, none. What was paid beyond the other plan's price is used up first."""
    before = subscription.terms
    if terms.yearly_minor <= before.yearly_minor:
        return Change(at_once=False)
    left = max(0, subscription.period_end - account.at)
    whole = subscription.period_end - subscription.period_start
    if same_period(subscription, terms):
        due = (terms.price_minor - before.price_minor) * left // whole
        credits = max(0, (terms.credits - before.credits) * left // whole)
        if due < _least(terms):
            return Change(at_once=True)
    else:
        due = terms.price_minor - _unused_minor(account, subscription, left, whole)
        credits = terms.credits
        if due < _least(terms) and before.price_minor:
            return Change(at_once=False)
    return Change(at_once=True, due_minor=due, credits=max(1, credits))


def _least(terms: Terms) -> int:
    """Gateways do not take less; what a change costs below that is not charged."""
    return least_charge_minor(terms.price.currency) if terms.price is not None else 0


def _unused_minor(account: Account, subscription: Subscription, left: int, whole: int) -> int:
    """What is left of the price: by the time that is left or, if that is less, by the credits."""
    terms = subscription.terms
    by_time = terms.price_minor * left // whole
    if not terms.credits:
        return by_time
    unspent = sum(
        grant.available + grant.held
        for grant in account.wallet.grants
        if grant.subscription_id == subscription.id
    )
    return min(by_time, terms.price_minor * min(unspent, terms.credits) // terms.credits)


def change_plan(account: Account, command: ChangePlan) -> Outcome:
    require_not_frozen(account)
    subscription = current_subscription(account)
    if command.plan == subscription.terms.plan:  # sold still or not
        return keep_all(account, subscription)
    plan = plan_of(account, command.plan)
    require_status(
        subscription,
        (SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIALING),
        "Only a subscription that is active or in its trial can be changed.",
    )
    require_no_charge(subscription)
    require_renewed(subscription)
    terms = plan.terms_in(subscription.currency or command.currency)
    if terms is None:
        raise InvalidRequest.of("plan", "a plan that is sold in the subscription's currency")
    if subscription.status is SubscriptionStatus.TRIALING and terms.price_minor:
        return _change_trial(account, subscription, terms)
    change = change_of(account, subscription, terms)
    if not change.at_once:
        return _change_later(account, subscription, plan)
    return _change_now(account, subscription, terms, change, command)


def _change_now(
    account: Account, subscription: Subscription, terms: Terms, change: Change, command: ChangePlan
) -> Outcome:
    awaited = subscription.awaited
    if awaited is not None:
        if awaited.terms.plan != terms.plan:
            raise SubscriptionPaymentOpen(awaited.payment_id)
        return joined(account, subscription, awaited)
    account.change_subscription()
    if subscription.gateway is None:
        subscription.gateway, subscription.currency = command.gateway, command.currency
    if not change.due_minor:
        upgrade(account, subscription, terms, None, change.credits)
        return done(account, subscription)
    payment = charge(
        account,
        subscription,
        PaidFor.UPGRADE,
        terms,
        change.due_minor,
        change.credits,
        by_payer=not command.saved_method,
        success_url=command.success_url,
        cancel_url=command.cancel_url,
    )
    return done(account, subscription, payment)


def _change_trial(account: Account, subscription: Subscription, terms: Terms) -> Outcome:
    """Nothing is paid yet, so there is nothing to share out."""
    account.change_subscription()
    before, subscription.terms = subscription.terms, terms
    subscription.next_plan = None
    subscription.cancel_at_period_end = False
    watch_limits(account)
    account.record_step(StepKind.UPGRADED, subscription)
    tell(account, SubscriptionChanged, previous=before.plan, reason="changed_in_trial")
    return done(account, subscription)


def _change_later(account: Account, subscription: Subscription, plan: Plan) -> Outcome:
    account.change_subscription()
    subscription.next_plan, subscription.next_free = plan.id, plan.free
    subscription.cancel_at_period_end = False
    account.record_step(StepKind.CHANGE_PLANNED, subscription, reason=plan.id)
    tell(account, SubscriptionChanged, reason="change_planned")
    return done(account, subscription)


def keep(account: Account, command: KeepSubscription) -> Outcome:
    return keep_all(account, current_subscription(account))


def keep_all(account: Account, subscription: Subscription) -> Outcome:
    awaited = subscription.awaited
    dropped = awaited is not None and awaited.paid_for is PaidFor.UPGRADE
    if dropped:
        require_no_charge(subscription)
    elif awaited is not None and awaited.terms.plan != subscription.terms.plan:
        # The other plan's first period is being paid for.
        raise SubscriptionPaymentOpen(awaited.payment_id)
    given = subscription.given
    planned = subscription.next_plan or (subscription.cancel_at_period_end and not given)
    if not (dropped or planned or subscription.pause_at_period_end):
        return done(account, subscription)
    account.change_subscription()
    if dropped:
        subscription.drop_upgrade()
    subscription.next_plan = None
    subscription.cancel_at_period_end = given
    subscription.pause_at_period_end = False
    account.record_step(StepKind.CHANGE_DROPPED, subscription)
    tell(account, SubscriptionChanged, reason="kept")
    return done(account, subscription)


def pause(account: Account, command: PauseSubscription) -> Outcome:
    subscription = current_subscription(account)
    require_status(
        subscription, (SubscriptionStatus.ACTIVE,), "Only an active subscription can pause."
    )
    require_renewed(subscription)
    if not subscription.terms.pausable or subscription.given:
        raise NotInThisStatus(subscription.status, "This plan cannot be paused.")
    if not subscription.pause_at_period_end:
        account.change_subscription()
        subscription.pause_at_period_end = True
        subscription.cancel_at_period_end = False
        account.record_step(StepKind.CHANGE_PLANNED, subscription, reason="pause")
        tell(account, SubscriptionChanged, reason="pause_planned")
    return done(account, subscription)
