"""What users and admins do with a subscription."""

from __future__ import annotations

from dataclasses import dataclass, replace

from shothik_payment.domain.errors import (
    InvalidRequest,
    NoSubscription,
    NotFound,
    NotInThisStatus,
    SubscriptionExists,
    SubscriptionPaymentOpen,
)
from shothik_payment.domain.events import SubscriptionChanged, SubscriptionCreated
from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.commands import (
    AskPayer,
    CancelSubscription,
    ChangePlan,
    ExtendPeriod,
    GrantCredits,
    GrantPlan,
    KeepSubscription,
    PauseSubscription,
    Paying,
    PayRenewal,
    ResumeSubscription,
    Subscribe,
)
from shothik_payment.domain.ledger.credits import book_grant, require_not_frozen
from shothik_payment.domain.ledger.limits import end_usage, watch_limits
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.periods import (
    end,
    extend_credits,
    give_credits,
    same_period,
    start,
    tell,
    upgrade,
)
from shothik_payment.domain.ledger.renewals import charge, next_terms
from shothik_payment.domain.ledger.settlement import payment_of
from shothik_payment.domain.model.grant import GrantSource
from shothik_payment.domain.model.payment import OPEN_STATUSES, Payment
from shothik_payment.domain.model.plan import Plan, Terms
from shothik_payment.domain.model.subscription import (
    PaidFor,
    StepKind,
    Subscription,
    SubscriptionStatus,
)
from shothik_payment.domain.model.time import DAY, Millis
from shothik_payment.domain.model.transaction import TransactionKind

_WAIVED_BELOW_MINOR = 100
"""Gateways do not take less; what a change costs below that is not charged."""


def subscribe(account: Account, command: Subscribe) -> Outcome:
    require_not_frozen(account)
    plan = _plan(account, command.plan)
    terms = plan.terms_in(command.currency)
    if terms is None:
        raise InvalidRequest.of("currency", f"one of {', '.join(plan.prices)}")
    current = account.wallet.subscription
    if current is not None and not current.ended:
        if current.status is not SubscriptionStatus.INCOMPLETE:
            raise _exists(current)
        _require_no_charge(current)
        if _same_offer(current, plan, command):
            return _pay_start(account, current, current.terms, command)
        end(account, current, SubscriptionStatus.EXPIRED, "replaced")
    subscription = _new(account, terms, command)
    if not terms.price_minor:
        _created(account, subscription)
        _give_free_credits(account, subscription)
        return _done(account, subscription)
    if plan.trial_days and not account.wallet.had_trial:
        return _begin_trial(account, subscription, plan)
    subscription.status = SubscriptionStatus.INCOMPLETE
    subscription.next_step_at = Millis(account.at + account.rules.billing.start_ms)
    _created(account, subscription)
    return _pay_start(account, subscription, terms, command)


def _new(account: Account, terms: Terms, paying: Paying | None) -> Subscription:
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


def _created(account: Account, subscription: Subscription) -> None:
    if subscription.running:
        end_usage(account)
    account.record_step(StepKind.CREATED, subscription)
    tell(account, SubscriptionCreated)


def _give_free_credits(account: Account, subscription: Subscription) -> None:
    """Once a period, however often it is ended and taken anew."""
    if account.at >= account.wallet.free_credits_until:
        give_credits(account, subscription, subscription.terms.credits, None)


def _begin_trial(account: Account, subscription: Subscription, plan: Plan) -> Outcome:
    subscription.status = SubscriptionStatus.TRIALING
    subscription.anchor = Millis(account.at + plan.trial_days * DAY)
    subscription.period = -1
    subscription.period_end = subscription.next_step_at = subscription.anchor
    account.wallet.had_trial = True
    _created(account, subscription)
    if plan.trial_credits:
        terms = GrantCredits(
            id=account.command.id,
            user_id=account.wallet.user_id,
            at=account.at,
            amount=plan.trial_credits,
            source=GrantSource.PROMOTION,
            expires_at=subscription.period_end,
            subscription_id=subscription.id,
        )
        book_grant(account, TransactionKind.GRANT, terms)
    return _done(account, subscription)


def _pay_start(
    account: Account, subscription: Subscription, terms: Terms, command: Paying
) -> Outcome:
    """A link that is open stays the one to pay with."""
    if subscription.awaited is not None:
        return _done(account, subscription)
    account.change_subscription()
    payment = charge(
        account,
        subscription,
        PaidFor.START,
        terms,
        terms.price_minor,
        terms.credits,
        by_payer=not command.saved_method,
        success_url=command.success_url,
        cancel_url=command.cancel_url,
    )
    return _done(account, subscription, payment)


def _same_offer(current: Subscription, plan: Plan, command: Subscribe) -> bool:
    offer = (current.terms.plan, current.gateway, current.currency)
    return offer == (plan.id, command.gateway, command.currency)


# Changes


@dataclass(frozen=True, slots=True)
class Change:
    """What a change of plan costs at once and brings at once; `at_once` False: from the next
    period on."""

    at_once: bool
    due_minor: int = 0
    credits: int = 0


def change_of(subscription: Subscription, terms: Terms, at: Millis) -> Change:
    """A dearer plan is had at once, for the unused part of the period at the difference. Every
    share is rounded down; where something is paid, at least one credit comes for it, and where
    nothing is, none. What was paid beyond the other plan's price is used up first."""
    before = subscription.terms
    if terms.yearly_minor <= before.yearly_minor:
        return Change(at_once=False)
    left = max(0, subscription.period_end - at)
    whole = subscription.period_end - subscription.period_start
    if same_period(subscription, terms):
        due = (terms.price_minor - before.price_minor) * left // whole
        credits = max(0, (terms.credits - before.credits) * left // whole)
        if due < _WAIVED_BELOW_MINOR:
            return Change(at_once=True)
    else:
        due = terms.price_minor - before.price_minor * left // whole
        credits = terms.credits
        if due < _WAIVED_BELOW_MINOR and before.price_minor:
            return Change(at_once=False)
    return Change(at_once=True, due_minor=due, credits=max(1, credits))


def change_plan(account: Account, command: ChangePlan) -> Outcome:
    require_not_frozen(account)
    subscription = _current(account)
    plan = _plan(account, command.plan)
    if plan.id == subscription.terms.plan:
        return _keep(account, subscription)
    _require(
        subscription,
        (SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIALING),
        "Only a subscription that is active or in its trial can be changed.",
    )
    _require_no_charge(subscription)
    _require_renewed(subscription)
    terms = plan.terms_in(subscription.currency or command.currency)
    if terms is None:
        raise InvalidRequest.of("plan", "a plan that is sold in the subscription's currency")
    if subscription.status is SubscriptionStatus.TRIALING and terms.price_minor:
        return _change_trial(account, subscription, terms)
    change = change_of(subscription, terms, account.at)
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
        return _done(account, subscription)
    account.change_subscription()
    if subscription.gateway is None:
        subscription.gateway, subscription.currency = command.gateway, command.currency
    if not change.due_minor:
        upgrade(account, subscription, terms, None, change.credits)
        return _done(account, subscription)
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
    return _done(account, subscription, payment)


def _change_trial(account: Account, subscription: Subscription, terms: Terms) -> Outcome:
    """Nothing is paid yet, so there is nothing to share out."""
    account.change_subscription()
    before, subscription.terms = subscription.terms, terms
    subscription.next_plan = None
    watch_limits(account)
    account.record_step(StepKind.UPGRADED, subscription)
    tell(account, SubscriptionChanged, previous=before.plan, reason="changed_in_trial")
    return _done(account, subscription)


def _change_later(account: Account, subscription: Subscription, plan: Plan) -> Outcome:
    account.change_subscription()
    subscription.next_plan = plan.id
    subscription.cancel_at_period_end = False
    account.record_step(StepKind.CHANGE_PLANNED, subscription, reason=plan.id)
    tell(account, SubscriptionChanged, reason="change_planned")
    return _done(account, subscription)


def keep(account: Account, command: KeepSubscription) -> Outcome:
    return _keep(account, _current(account))


def _keep(account: Account, subscription: Subscription) -> Outcome:
    awaited = subscription.awaited
    dropped = awaited is not None and awaited.paid_for is PaidFor.UPGRADE
    if dropped:
        _require_no_charge(subscription)
    given = _given(account, subscription)
    planned = subscription.next_plan or (subscription.cancel_at_period_end and not given)
    if not (dropped or planned or subscription.pause_at_period_end):
        return _done(account, subscription)
    account.change_subscription()
    if dropped:
        subscription.awaited = None
    subscription.next_plan = None
    subscription.cancel_at_period_end = given
    subscription.pause_at_period_end = False
    account.record_step(StepKind.CHANGE_DROPPED, subscription)
    tell(account, SubscriptionChanged, reason="kept")
    return _done(account, subscription)


def pay_renewal(account: Account, command: PayRenewal) -> Outcome:
    subscription = _current(account)
    _require(subscription, (SubscriptionStatus.PAST_DUE,), "No renewal is due.")
    _require_no_charge(subscription)
    if subscription.awaited is not None:
        return _done(account, subscription)
    account.change_subscription()
    terms = next_terms(account, subscription)
    payment = charge(
        account,
        subscription,
        PaidFor.RENEWAL,
        terms,
        terms.price_minor,
        terms.credits,
        by_payer=True,
        success_url=command.success_url,
        cancel_url=command.cancel_url,
    )
    if subscription.dunning is not None:
        subscription.dunning.retry_at = None
    return _done(account, subscription, payment)


def pause(account: Account, command: PauseSubscription) -> Outcome:
    subscription = _current(account)
    _require(subscription, (SubscriptionStatus.ACTIVE,), "Only an active subscription can pause.")
    _require_renewed(subscription)
    if not subscription.terms.pausable or _given(account, subscription):
        raise NotInThisStatus(subscription.status, "This plan cannot be paused.")
    if not subscription.pause_at_period_end:
        account.change_subscription()
        subscription.pause_at_period_end = True
        subscription.cancel_at_period_end = False
        account.record_step(StepKind.CHANGE_PLANNED, subscription, reason="pause")
        tell(account, SubscriptionChanged, reason="pause_planned")
    return _done(account, subscription)


def resume(account: Account, command: ResumeSubscription) -> Outcome:
    subscription = _current(account)
    if subscription.pause_at_period_end:
        return _keep(account, subscription)
    require_not_frozen(account)
    _require(subscription, (SubscriptionStatus.PAUSED,), "The subscription is not paused.")
    _require_no_charge(subscription)
    terms = next_terms(account, subscription)
    if not terms.price_minor:
        start(account, subscription, terms, None)
        return _done(account, subscription)
    return _pay_start(account, subscription, terms, command)


def cancel(account: Account, command: CancelSubscription) -> Outcome:
    subscription = _current(account)
    _require_no_charge(subscription)
    lasting = (SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIALING)
    if command.now or subscription.status not in lasting or subscription.dunning is not None:
        end(account, subscription, SubscriptionStatus.CANCELLED, command.reason or "cancelled")
    elif not subscription.cancel_at_period_end:
        account.change_subscription()
        subscription.cancel_at_period_end = True
        subscription.pause_at_period_end = False
        subscription.next_plan = None
        account.record_step(StepKind.CHANGE_PLANNED, subscription, reason="cancel")
        tell(account, SubscriptionChanged, reason=command.reason or "cancel_planned")
    return _done(account, subscription)


# Admins


def extend_period(account: Account, command: ExtendPeriod) -> Outcome:
    subscription = _current(account)
    _require(
        subscription,
        (SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIALING, SubscriptionStatus.PAST_DUE),
        "Only a subscription that is in force can be extended.",
    )
    _require_no_charge(subscription)
    account.change_subscription()
    ends = Millis(max(subscription.period_end, account.at) + command.days * DAY)
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
    return _done(account, subscription)


def grant_plan(account: Account, command: GrantPlan) -> Outcome:
    plan = _plan(account, command.plan)
    if command.ends_at is not None and command.ends_at <= account.at:
        raise InvalidRequest.of("endsAt", "a time in the future")
    current = account.wallet.subscription
    if current is not None and not current.ended:
        if current.status is not SubscriptionStatus.INCOMPLETE:
            raise _exists(current)
        _require_no_charge(current)
        end(account, current, SubscriptionStatus.EXPIRED, "replaced")
    subscription = _new(account, replace(plan.terms, price=None), None)
    if command.ends_at is not None:
        subscription.period_end = subscription.anchor = command.ends_at
        subscription.next_step_at = command.ends_at
        subscription.period = -1
    subscription.cancel_at_period_end = True
    _created(account, subscription)
    give_credits(account, subscription, plan.terms.credits, None)
    return _done(account, subscription)


def ask_payer(account: Account, command: AskPayer) -> Outcome:
    payment = payment_of(account, command.payment_id)
    if payment.off_session and payment.status in OPEN_STATUSES:
        payment.off_session = False
        account.save_payment(payment)
    return Outcome(payment=payment)


# What they have in common


def _plan(account: Account, plan_id: str) -> Plan:
    plan = account.rules.billing.plans.get(plan_id)
    if plan is None:
        raise NotFound("plan", plan_id)
    return plan


def _current(account: Account) -> Subscription:
    subscription = account.wallet.subscription
    if subscription is None or subscription.ended:
        raise NoSubscription
    return subscription


def _given(account: Account, subscription: Subscription) -> bool:
    """By an admin: nothing is paid for it, so it ends with its period and cannot be kept."""
    plan = account.rules.billing.plans.get(subscription.terms.plan)
    return subscription.terms.price is None and (plan is None or not plan.free)


def _exists(subscription: Subscription) -> SubscriptionExists:
    return SubscriptionExists(subscription.id, subscription.terms.plan, subscription.status.value)


def _require(
    subscription: Subscription, statuses: tuple[SubscriptionStatus, ...], reason: str
) -> None:
    if subscription.status not in statuses:
        raise NotInThisStatus(subscription.status.value, reason)


def _require_no_charge(subscription: Subscription) -> None:
    """A charge that is under way cannot be called back: it decides."""
    awaited = subscription.awaited
    if awaited is not None and not awaited.by_payer:
        raise SubscriptionPaymentOpen(awaited.payment_id)


def _require_renewed(subscription: Subscription) -> None:
    if subscription.dunning is not None:
        raise NotInThisStatus(subscription.status.value, "A renewal is due: it is paid first.")


def _done(account: Account, subscription: Subscription, payment: Payment | None = None) -> Outcome:
    account.bind_request(payment.id if payment is not None else subscription.id)
    return Outcome(payment=payment, subscription=subscription)
