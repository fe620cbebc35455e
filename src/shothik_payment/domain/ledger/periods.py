"""A subscription's periods: how one begins, goes on into the next, changes and ends, and what that
does to credits, usage and services."""

from __future__ import annotations

from shothik_payment.domain.events import (
    SubscriptionCancelled,
    SubscriptionChanged,
    SubscriptionEventData,
    SubscriptionExpired,
)
from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.commands import GrantCredits
from shothik_payment.domain.ledger.credits import book_grant
from shothik_payment.domain.ledger.expiry import burn, expire_grants
from shothik_payment.domain.ledger.limits import end_usage, keep_usage, watch_limit, watch_limits
from shothik_payment.domain.model.grant import Grant, GrantSource
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.model.plan import Terms
from shothik_payment.domain.model.stop import Stop, StopCause
from shothik_payment.domain.model.subscription import (
    StepKind,
    Subscription,
    SubscriptionStatus,
)
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.transaction import Transaction, TransactionKind


def start(
    account: Account, subscription: Subscription, terms: Terms, payment: Payment | None
) -> Transaction | None:
    """Its first period begins now, or its first one after a pause or an end. The row of its
    credits, None where it brings none."""
    account.change_subscription()
    subscription.status = SubscriptionStatus.ACTIVE
    subscription.begin_period(account.at, 0, terms)
    subscription.ended_at = None
    _settle_into(account, subscription)
    account.record_step(StepKind.STARTED, subscription, payment.id if payment else None)
    tell(account, SubscriptionChanged, reason="started")
    return give_credits(account, subscription, terms.credits, payment)


def renew(
    account: Account, subscription: Subscription, terms: Terms, payment: Payment | None
) -> Transaction | None:
    """The period that follows the last one begins, whatever the time is: none is left out."""
    account.change_subscription()
    before = subscription.terms
    trial = subscription.status is SubscriptionStatus.TRIALING or (
        subscription.dunning is not None and subscription.dunning.of_trial
    )
    subscription.given = False
    if before.interval is terms.interval or subscription.period < 0:
        anchor, number = subscription.anchor, subscription.period + 1
    else:
        anchor, number = subscription.period_end, 0
    subscription.status = SubscriptionStatus.ACTIVE
    subscription.begin_period(anchor, number, terms)
    end_credits(account, subscription, keep=terms.rollover, until=subscription.period_end)
    _settle_into(account, subscription)
    account.record_step(StepKind.RENEWED, subscription, payment.id if payment else None)
    tell(
        account,
        SubscriptionChanged,
        previous=before.plan if before.plan != terms.plan else None,
        reason="trial_ended" if trial else "renewed",
    )
    return give_credits(account, subscription, terms.credits, payment)


def upgrade(
    account: Account,
    subscription: Subscription,
    terms: Terms,
    payment: Payment | None,
    credits: int,
) -> Transaction | None:
    """Other terms from now on. Of the same interval they are for the rest of the period, with
    `credits` for it; else a period of theirs begins, and what is left of the old credits, which the
    price has taken into account, ends."""
    account.change_subscription()
    before = subscription.terms
    if same_period(subscription, terms):
        subscription.terms = terms
        watch_limits(account)
    else:
        end_credits(account, subscription)
        subscription.begin_period(account.at, 0, terms)
        end_usage(account)
    subscription.given = False
    subscription.status = SubscriptionStatus.ACTIVE
    subscription.awaited = None
    subscription.next_plan = None
    subscription.cancel_at_period_end = subscription.pause_at_period_end = False
    subscription.next_step_at = subscription.period_end
    account.record_step(StepKind.UPGRADED, subscription, payment.id if payment else None)
    tell(account, SubscriptionChanged, previous=before.plan, reason="upgraded")
    return give_credits(account, subscription, credits, payment)


def same_period(subscription: Subscription, terms: Terms) -> bool:
    """Whether a change to these terms keeps the period that is running."""
    paid = subscription.terms.price is not None
    return paid and subscription.terms.interval is terms.interval


def lapse(account: Account, subscription: Subscription) -> None:
    """The grace is over: the plan is not in force until the renewal is paid."""
    account.change_subscription()
    if subscription.dunning is not None:
        subscription.dunning.lapsed = True
    end_credits(account, subscription)
    end_usage(account)
    account.record_step(StepKind.LAPSED, subscription)


def pause(account: Account, subscription: Subscription) -> None:
    account.change_subscription()
    subscription.status = SubscriptionStatus.PAUSED
    subscription.pause_at_period_end = False
    subscription.awaited = None
    subscription.next_step_at = None
    end_credits(account, subscription)
    end_usage(account)
    account.record_step(StepKind.PAUSED, subscription)
    tell(account, SubscriptionChanged, reason="paused")


def end(
    account: Account, subscription: Subscription, status: SubscriptionStatus, reason: str
) -> None:
    """For good; but what has expired is taken up again if it is paid after all."""
    account.change_subscription()
    was_running = subscription.running
    subscription.status = status
    subscription.ended_at = account.at
    subscription.next_step_at = None
    subscription.dunning = None
    subscription.next_plan = None
    subscription.cancel_at_period_end = subscription.pause_at_period_end = False
    if status is SubscriptionStatus.CANCELLED:
        subscription.awaited = None
    end_credits(account, subscription)
    if was_running and subscription.free:
        keep_usage(account, subscription.period_end)
    elif was_running:
        end_usage(account)
    cancelled = status is SubscriptionStatus.CANCELLED
    account.record_step(
        StepKind.CANCELLED if cancelled else StepKind.EXPIRED, subscription, reason=reason
    )
    tell(account, SubscriptionCancelled if cancelled else SubscriptionExpired, reason=reason)


def _settle_into(account: Account, subscription: Subscription) -> None:
    """Nothing is left of the period before."""
    subscription.awaited = None
    subscription.dunning = None
    subscription.next_plan = None
    subscription.cancel_at_period_end = subscription.pause_at_period_end = False
    subscription.next_step_at = subscription.period_end
    end_usage(account)


# Credits


def give_credits(
    account: Account, subscription: Subscription, credits: int, payment: Payment | None
) -> Transaction | None:
    """Credits that end with the period."""
    if not credits:
        return None
    if payment is None and not subscription.given:
        account.wallet.free_credits_until = subscription.period_end
    terms = GrantCredits(
        id=account.command.id,
        user_id=account.wallet.user_id,
        at=account.at,
        amount=credits,
        source=GrantSource.SUBSCRIPTION,
        expires_at=subscription.period_end,
        payment_id=payment.id if payment is not None else None,
        subscription_id=subscription.id,
    )
    return book_grant(account, TransactionKind.GRANT, terms)


def end_credits(
    account: Account, subscription: Subscription, *, keep: int = 0, until: Millis | None = None
) -> None:
    """End the subscription's credits now, but for up to `keep` unspent ones, which live `until`.
    What holds reserve of the others can still be captured."""
    for grant in reversed(_grants_of(account, subscription)):
        kept = min(keep, grant.available)
        if kept and until is not None:
            keep -= kept
            burn(account, grant, grant.available - kept)
            account.move_end(grant, until)
        elif not grant.expired(account.at):
            account.move_end(grant, account.at)
    expire_grants(account)


def extend_credits(account: Account, subscription: Subscription, until: Millis) -> None:
    """While a renewal is pending the old credits live on; not those that have ended before, which
    only a hold keeps."""
    if not subscription.running:
        return
    for grant in _grants_of(account, subscription):
        if grant.expires_at is None or grant.expires_at >= until:
            continue
        if grant.expires_at >= subscription.period_end or not grant.expired(account.at):
            account.move_end(grant, until)


def _grants_of(account: Account, subscription: Subscription) -> list[Grant]:
    return [g for g in account.wallet.grants if g.subscription_id == subscription.id]


# What is told, and who is stopped


def tell(
    account: Account,
    kind: type[SubscriptionEventData],
    *,
    previous: str | None = None,
    reason: str | None = None,
    payment_url: str | None = None,
) -> None:
    subscription = account.wallet.subscription
    if subscription is None:
        raise RuntimeError("nothing to tell of a subscription that is not there")
    account.tell(
        kind(
            subscription.id,
            subscription.terms.plan,
            subscription.status.value,
            subscription.period_start,
            subscription.period_end,
            previous,
            subscription.cancel_at_period_end or None,
            reason,
            payment_url,
        )
    )


def watch_plan(account: Account) -> None:
    """A service that the plan has included and does not any more stops the user; one that it
    includes again does not. What `free` includes and limits may also have been changed in the
    catalog since the stop."""
    stops = account.wallet.stops
    for stop in stops:
        if stop.service is None:
            continue
        if stop.cause is StopCause.LIMIT_REACHED:
            watch_limit(account, stop.service)
        elif stop.cause is StopCause.SUBSCRIPTION_LAPSED and account.terms.includes(stop.service):
            account.lift_stops(StopCause.SUBSCRIPTION_LAPSED, stop.service)
    before = account.terms_before
    if before is None:
        return
    stopped = {s.service for s in stops if s.cause is StopCause.SUBSCRIPTION_LAPSED}
    for service in account.rules.active_services:
        lost = before.includes(service) and not account.terms.includes(service)
        if lost and service not in stopped:
            account.add_stop(Stop(StopCause.SUBSCRIPTION_LAPSED, account.at, service))
