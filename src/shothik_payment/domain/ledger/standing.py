"""What the commands about a subscription have in common: whose it is, and what has to be so."""

from __future__ import annotations

from shothik_payment.domain.errors import (
    NoSubscription,
    NotFound,
    NotInThisStatus,
    SubscriptionExists,
    SubscriptionPaymentOpen,
)
from shothik_payment.domain.events import SubscriptionCreated
from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.limits import end_usage, take_usage_along
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.periods import tell
from shothik_payment.domain.ledger.subscription_commands import Paying
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.model.plan import Plan, Terms
from shothik_payment.domain.model.subscription import (
    AwaitedPayment,
    StepKind,
    Subscription,
    SubscriptionStatus,
)


def new_subscription(account: Account, terms: Terms, paying: Paying | None) -> Subscription:
    account.change_subscription()
    priced = terms.price_minor and paying is not None
    subscription = Subscription(
        id=account.new_id("sub"),
        status=SubscriptionStatus.ACTIVE,
        terms=terms,
        created_at=account.at,
        anchor=account.at,
        period=0,
        period_start=account.at,
        period_end=account.at,
        time_zone=account.rules.billing.time_zone,
        gateway=paying.gateway if priced and paying else None,
        currency=paying.currency if priced and paying else None,
    )
    subscription.begin_period(account.at, 0, terms)
    subscription.next_step_at = subscription.period_end
    account.wallet.subscription = subscription
    return subscription


def created(account: Account, subscription: Subscription, reason: str | None = None) -> None:
    if subscription.running and subscription.free:
        take_usage_along(account)
    elif subscription.running:
        end_usage(account)
    account.record_step(StepKind.CREATED, subscription, reason=reason)
    tell(account, SubscriptionCreated)


def plan_of(account: Account, plan_id: str) -> Plan:
    plan = account.rules.billing.plans.get(plan_id)
    if plan is None:
        raise NotFound("plan", plan_id)
    return plan


def current_subscription(account: Account) -> Subscription:
    subscription = account.wallet.subscription
    if subscription is None or subscription.ended:
        raise NoSubscription
    return subscription


def already_there(subscription: Subscription) -> SubscriptionExists:
    return SubscriptionExists(subscription.id, subscription.terms.plan, subscription.status.value)


def require_status(
    subscription: Subscription, statuses: tuple[SubscriptionStatus, ...], reason: str
) -> None:
    if subscription.status not in statuses:
        raise NotInThisStatus(subscription.status.value, reason)


def require_no_charge(subscription: Subscription) -> None:
    """A charge that is under way cannot be called back: it decides."""
    awaited = subscription.awaited
    if awaited is not None and awaited.under_way:
        raise SubscriptionPaymentOpen(awaited.payment_id)


def require_renewed(subscription: Subscription) -> None:
    if subscription.dunning is not None:
        raise NotInThisStatus(subscription.status.value, "A renewal is due: it is paid first.")


def done(account: Account, subscription: Subscription, payment: Payment | None = None) -> Outcome:
    account.bind_request(payment.id if payment is not None else subscription.id)
    return Outcome(payment=payment, subscription=subscription)


def joined(account: Account, subscription: Subscription, awaited: AwaitedPayment) -> Outcome:
    account.bind_request(awaited.payment_id)
    return Outcome(subscription=subscription, joined_payment_id=awaited.payment_id)
