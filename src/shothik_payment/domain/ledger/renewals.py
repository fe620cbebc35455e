"""What falls due of a subscription, and what comes of its payments.

The ledger decides when and how much, and records the payment; the gateway is asked afterwards, by
whoever sweeps payments. At most one payment is open for a subscription at any time, and a period
begins only with its payment, so none is charged twice and none is left out.
"""

from __future__ import annotations

from shothik_payment.domain.events import SubscriptionChanged
from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.coming_terms import next_terms
from shothik_payment.domain.ledger.limits import end_usage
from shothik_payment.domain.ledger.periods import (
    end,
    extend_credits,
    lapse,
    pause,
    renew,
    same_period,
    start,
    tell,
    upgrade,
)
from shothik_payment.domain.ledger.subscription_charges import charge
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.model.plan import Terms
from shothik_payment.domain.model.subscription import (
    Dunning,
    PaidFor,
    StepKind,
    Subscription,
    SubscriptionStatus,
)
from shothik_payment.domain.model.time import HOUR, MINUTE, Millis
from shothik_payment.domain.model.transaction import Transaction

_MOST_STEPS = 100
"""At one time. Who was not looked at for longer goes on with the next command."""
_LOOK_AGAIN = 5 * MINUTE
_LOOK_AGAIN_AT_MOST = 6 * HOUR


def book_subscription(account: Account) -> None:
    """Do what is due of the user's subscription by the command's time, in the order of its times,
    and begin usage anew where it ends by the calendar."""
    wallet = account.wallet
    if wallet.usage_ends is not None and wallet.usage_ends <= account.at:
        account.change_subscription()
        end_usage(account)
    for _ in range(_MOST_STEPS):
        subscription = wallet.subscription
        if subscription is None or subscription.next_step_at is None:
            return
        if subscription.next_step_at > account.at:
            return
        _step(account, subscription)


def _step(account: Account, subscription: Subscription) -> None:
    account.change_subscription()
    if subscription.status is SubscriptionStatus.INCOMPLETE:
        if not _postponed(account, subscription):
            end(account, subscription, SubscriptionStatus.EXPIRED, "not_paid_in_time")
    elif subscription.dunning is not None:
        _dun(account, subscription, subscription.dunning)
    elif not _postponed(account, subscription):
        _end_period(account, subscription)


def _postponed(account: Account, subscription: Subscription) -> bool:
    """A charge that is under way is waited for: it decides."""
    awaited = subscription.awaited
    if awaited is None or not awaited.under_way:
        return False
    since = subscription.created_at if subscription.dunning is None else subscription.dunning.since
    if subscription.dunning is None and subscription.status is not SubscriptionStatus.INCOMPLETE:
        since = subscription.period_end
    pause = min(max(account.at - since, _LOOK_AGAIN), _LOOK_AGAIN_AT_MOST)
    subscription.next_step_at = Millis(account.at + pause)
    extend_credits(account, subscription, subscription.next_step_at)
    return True


def _end_period(account: Account, subscription: Subscription) -> None:
    if subscription.awaited is not None:  # a change that nobody has paid in its period
        subscription.drop_upgrade()
        account.record_step(StepKind.CHANGE_DROPPED, subscription)
    if subscription.cancel_at_period_end or (subscription.given and not subscription.next_plan):
        end(account, subscription, SubscriptionStatus.CANCELLED, "cancelled_at_period_end")
        return
    if subscription.pause_at_period_end:
        pause(account, subscription)
        return
    if _begin_or_end_uncharged(account, subscription) is None:
        return
    trial = subscription.status is SubscriptionStatus.TRIALING
    subscription.dunning = Dunning(account.at, retry_at=account.at, of_trial=trial)
    until = Millis(account.at + account.rules.billing.grace_ms)
    extend_credits(account, subscription, until)
    _dun(account, subscription, subscription.dunning)


def _begin_or_end_uncharged(account: Account, subscription: Subscription) -> Terms | None:
    """The next period begins, or there is none, where nothing is to be paid. Else nothing has
    happened yet: the terms that the period is to be paid on."""
    terms = next_terms(account.rules.billing, subscription)
    if terms is None:
        end(account, subscription, SubscriptionStatus.CANCELLED, "next_plan_not_sold")
    elif not terms.price_minor:
        renew(account, subscription, terms, None)
    else:
        return terms
    return None


def _dun(account: Account, subscription: Subscription, dunning: Dunning) -> None:
    billing = account.rules.billing
    late = account.at >= _deadline(account, dunning)
    if dunning.retry_at is not None and dunning.retry_at <= account.at:
        dunning.retry_at = None
        terms = _begin_or_end_uncharged(account, subscription)
        if terms is None:
            return
        charge(account, subscription, PaidFor.RENEWAL, terms, terms.price_minor, terms.credits)
    if late:
        if not _postponed(account, subscription):
            end(account, subscription, SubscriptionStatus.EXPIRED, "renewal_not_paid")
        return
    if not dunning.lapsed and account.at >= dunning.since + billing.grace_ms:
        if _postponed(account, subscription):
            return
        lapse(account, subscription)
    _plan_next_step(account, subscription, dunning)


def _deadline(account: Account, dunning: Dunning) -> Millis:
    """Who has been given a link may use it a while after the last try."""
    billing = account.rules.billing
    return Millis(dunning.since + billing.retries_ms[-1] + billing.grace_ms)


def _plan_next_step(account: Account, subscription: Subscription, dunning: Dunning) -> None:
    times = [_deadline(account, dunning)]
    if not dunning.lapsed:
        times.append(Millis(dunning.since + account.rules.billing.grace_ms))
    if dunning.retry_at is not None:
        times.append(dunning.retry_at)
    subscription.next_step_at = min(times)


# Payments


def awaiting(account: Account, payment: Payment) -> Subscription | None:
    """The user's subscription, where this is the payment that it waits for."""
    subscription = account.wallet.subscription
    if subscription is None or subscription.awaited is None:
        return None
    return subscription if subscription.awaited.payment_id == payment.id else None


def paid(account: Account, subscription: Subscription, payment: Payment) -> Transaction | None:
    """The awaited payment is paid: what it is for happens now. The row of the credits; None where
    the period that they were for is over: they are a purchase then."""
    awaited = subscription.awaited
    if awaited is None:
        raise RuntimeError("a payment that nothing waits for")
    if awaited.paid_for is PaidFor.UPGRADE:
        over = account.at >= subscription.period_end
        if over and same_period(subscription, awaited.terms):
            return upgrade(account, subscription, awaited.terms, payment, 0)
        row = upgrade(account, subscription, awaited.terms, payment, payment.credits)
    elif awaited.paid_for is PaidFor.START or subscription.ended:
        row = start(account, subscription, awaited.terms, payment)
    else:
        row = renew(account, subscription, awaited.terms, payment)
    payment.credits_expire_at = subscription.period_end
    if row is None:
        raise RuntimeError("a priced plan brings credits")
    return row


def unpaid(account: Account, payment: Payment) -> None:
    """The awaited payment has ended unpaid, or what was paid in it is returned."""
    subscription = awaiting(account, payment)
    if subscription is None or subscription.ended or subscription.awaited is None:
        return
    account.change_subscription()
    awaited = subscription.awaited
    if awaited.paid_for is PaidFor.UPGRADE:
        subscription.drop_upgrade()
        _end_in_time(subscription)
        account.record_step(StepKind.CHANGE_DROPPED, subscription, payment.id, payment.failure_code)
    elif awaited.paid_for is PaidFor.START:
        if awaited.by_payer and subscription.status is SubscriptionStatus.INCOMPLETE:
            end(account, subscription, SubscriptionStatus.EXPIRED, "not_paid")
        else:
            subscription.awaited = None
    elif subscription.dunning is not None:
        _try_again(account, subscription, subscription.dunning, payment)


def _try_again(
    account: Account, subscription: Subscription, dunning: Dunning, payment: Payment
) -> None:
    """A link that was asked for and could not be had is no try: the next one is when it was."""
    awaited = subscription.awaited
    tried = awaited is None or not awaited.by_payer or payment.session_id is not None
    dunning.attempts += tried
    since = account.at if tried else payment.created_at
    times = [Millis(dunning.since + pause) for pause in account.rules.billing.retries_ms]
    dunning.retry_at = next((time for time in times if time > since), None)
    if dunning.retry_at is None and payment.off_session:
        # Kept as awaited, so that what is paid late takes the subscription up again.
        end(account, subscription, SubscriptionStatus.EXPIRED, "renewal_not_paid")
        return
    subscription.awaited = None
    _plan_next_step(account, subscription, dunning)
    if tried:
        _past_due(account, subscription, payment, payment.failure_code)


def _past_due(
    account: Account,
    subscription: Subscription,
    payment: Payment,
    reason: str | None,
    url: str | None = None,
) -> None:
    told = "renewal_failed" if url is None else "payment_due"
    subscription.status = SubscriptionStatus.PAST_DUE
    account.record_step(StepKind.RENEWAL_FAILED, subscription, payment.id, reason)
    tell(account, SubscriptionChanged, reason=told, payment_url=url)


def _end_in_time(subscription: Subscription) -> None:
    """The period's end may have been put off for a charge that is not waited for any more."""
    if subscription.dunning is None:
        subscription.next_step_at = subscription.period_end


def link_given(account: Account, payment: Payment) -> None:
    """The payer has a checkout to pay it in: nothing is under way any more."""
    subscription = awaiting(account, payment)
    if subscription is None or subscription.awaited is None:
        return
    account.change_subscription()
    subscription.awaited.by_payer = True
    if subscription.awaited.paid_for is PaidFor.UPGRADE:
        _end_in_time(subscription)
    elif subscription.dunning is not None and subscription.awaited.paid_for is PaidFor.RENEWAL:
        _past_due(account, subscription, payment, "payment_due", payment.payment_url)


def under_review(account: Account, payment: Payment) -> None:
    """Until an admin has looked at what was paid, what falls due is done."""
    subscription = awaiting(account, payment)
    if subscription is None or subscription.awaited is None:
        return
    account.change_subscription()
    subscription.awaited.in_review = True
    if subscription.awaited.paid_for is PaidFor.UPGRADE:
        _end_in_time(subscription)
    elif subscription.dunning and subscription.status is not SubscriptionStatus.PAST_DUE:
        _past_due(account, subscription, payment, "in_review")
