"""What admins do with a user's subscription: extend it, give a plan."""

from __future__ import annotations

from dataclasses import replace

from shothik_payment.domain.errors import InvalidRequest
from shothik_payment.domain.events import SubscriptionChanged
from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.limits import end_usage
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.periods import end, extend_credits, give_credits, tell
from shothik_payment.domain.ledger.standing import (
    already_there,
    created,
    current_subscription,
    done,
    new_subscription,
    plan_of,
    require_no_charge,
    require_status,
)
from shothik_payment.domain.ledger.subscription_commands import ExtendPeriod, GrantPlan
from shothik_payment.domain.model.subscription import StepKind, SubscriptionStatus
from shothik_payment.domain.model.time import DAY, END_OF_TIME, Millis


def extend_period(account: Account, command: ExtendPeriod) -> Outcome:
    subscription = current_subscription(account)
    require_status(
        subscription,
        (SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIALING, SubscriptionStatus.PAST_DUE),
        "Only a subscription that is in force can be extended.",
    )
    require_no_charge(subscription)
    ends = Millis(max(subscription.period_end, account.at) + command.days * DAY)
    if ends > END_OF_TIME:
        raise InvalidRequest.of("days", "an end before the year 2200")
    account.change_subscription()
    if subscription.awaited is not None:  # its price was that of a shorter period
        subscription.drop_upgrade()
    subscription.period_end = subscription.anchor = subscription.next_step_at = ends
    subscription.period = -1
    if subscription.dunning is not None:
        lapsed = subscription.dunning.lapsed
        subscription.dunning = subscription.awaited = None
        subscription.status = SubscriptionStatus.ACTIVE
        if lapsed:
            end_usage(account)
    extend_credits(account, subscription, ends)
    account.record_step(StepKind.EXTENDED, subscription, reason=command.reason)
    tell(account, SubscriptionChanged, reason="extended")
    return done(account, subscription)


def grant_plan(account: Account, command: GrantPlan) -> Outcome:
    plan = plan_of(account, command.plan)
    if command.ends_at is not None and not account.at < command.ends_at <= END_OF_TIME:
        raise InvalidRequest.of("endsAt", "a time in the future, before the year 2200")
    current = account.wallet.subscription
    if current is not None and not current.ended:
        if current.status is not SubscriptionStatus.INCOMPLETE:
            raise already_there(current)
        require_no_charge(current)
        end(account, current, SubscriptionStatus.EXPIRED, "replaced")
    subscription = new_subscription(account, replace(plan.terms, price=None), None)
    if command.ends_at is not None:
        subscription.period_end = subscription.anchor = command.ends_at
        subscription.next_step_at = command.ends_at
        subscription.period = -1
    subscription.given = subscription.cancel_at_period_end = True
    created(account, subscription, command.reason)
    give_credits(account, subscription, plan.terms.credits, None)
    return done(account, subscription)
