"""What users do with a subscription: have one, pay for it, go on after a pause, end it."""

from __future__ import annotations

from shothik_payment.domain.errors import Conflict, InvalidRequest, NotInThisStatus
from shothik_payment.domain.events import SubscriptionChanged
from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.coming_terms import asked_terms
from shothik_payment.domain.ledger.commands import GrantCredits
from shothik_payment.domain.ledger.credits import book_grant, require_not_frozen
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.periods import end, give_credits, renew, start, tell
from shothik_payment.domain.ledger.plan_changes import keep_all
from shothik_payment.domain.ledger.settlement import payment_of
from shothik_payment.domain.ledger.standing import (
    already_there,
    created,
    current_subscription,
    done,
    joined,
    new_subscription,
    plan_of,
    require_no_charge,
    require_status,
)
from shothik_payment.domain.ledger.subscription_charges import charge
from shothik_payment.domain.ledger.subscription_commands import (
    AskPayer,
    CancelSubscription,
    Paying,
    PayRenewal,
    ResumeSubscription,
    Subscribe,
    WaitForCharge,
)
from shothik_payment.domain.model.grant import GrantSource
from shothik_payment.domain.model.payment import OPEN_STATUSES
from shothik_payment.domain.model.plan import Plan, Terms
from shothik_payment.domain.model.subscription import (
    PaidFor,
    StepKind,
    Subscription,
    SubscriptionStatus,
)
from shothik_payment.domain.model.time import DAY, Millis
from shothik_payment.domain.model.transaction import TransactionKind


def subscribe(account: Account, command: Subscribe) -> Outcome:
    require_not_frozen(account)
    plan = plan_of(account, command.plan)
    terms = plan.terms_in(command.currency)
    if terms is None:
        raise InvalidRequest.of("currency", f"one of {', '.join(plan.prices)}")
    current = account.wallet.subscription
    if current is not None and not current.ended:
        if current.status is not SubscriptionStatus.INCOMPLETE:
            raise already_there(current)
        require_no_charge(current)
        if _same_offer(current, plan, command):
            return _pay_start(account, current, current.terms, command)
        end(account, current, SubscriptionStatus.EXPIRED, "replaced")
    subscription = new_subscription(account, terms, command)
    if not terms.price_minor:
        created(account, subscription)
        _give_free_credits(account, subscription)
        return done(account, subscription)
    if plan.trial_days and not account.wallet.had_trial:
        return _begin_trial(account, subscription, plan)
    subscription.status = SubscriptionStatus.INCOMPLETE
    subscription.next_step_at = Millis(account.at + account.rules.billing.start_ms)
    created(account, subscription)
    return _pay_start(account, subscription, terms, command)


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
    created(account, subscription)
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
    return done(account, subscription)


def _pay_start(
    account: Account, subscription: Subscription, terms: Terms, command: Paying
) -> Outcome:
    """A link that is open stays the one to pay with."""
    if subscription.awaited is not None:
        return joined(account, subscription, subscription.awaited)
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
    return done(account, subscription, payment)


def _same_offer(current: Subscription, plan: Plan, command: Subscribe) -> bool:
    offer = (current.terms.plan, current.gateway, current.currency)
    return offer == (plan.id, command.gateway, command.currency)


def pay_renewal(account: Account, command: PayRenewal) -> Outcome:
    require_not_frozen(account)
    subscription = current_subscription(account)
    require_status(subscription, (SubscriptionStatus.PAST_DUE,), "No renewal is due.")
    require_no_charge(subscription)
    if subscription.awaited is not None:
        return joined(account, subscription, subscription.awaited)
    terms = asked_terms(account.rules.billing, subscription)
    account.change_subscription()
    if not terms.price_minor:
        renew(account, subscription, terms, None)
        return done(account, subscription)
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
    return done(account, subscription, payment)


def resume(account: Account, command: ResumeSubscription) -> Outcome:
    subscription = current_subscription(account)
    if subscription.pause_at_period_end:
        return keep_all(account, subscription)
    require_not_frozen(account)
    require_status(subscription, (SubscriptionStatus.PAUSED,), "The subscription is not paused.")
    require_no_charge(subscription)
    if subscription.awaited is not None:
        return joined(account, subscription, subscription.awaited)
    terms = asked_terms(account.rules.billing, subscription)
    if not terms.price_minor:
        start(account, subscription, terms, None)
        return done(account, subscription)
    return _pay_start(account, subscription, terms, command)


def cancel(account: Account, command: CancelSubscription) -> Outcome:
    subscription = current_subscription(account)
    require_no_charge(subscription)
    if command.only_at_end and not subscription.lasts:
        raise NotInThisStatus(
            subscription.status.value, "The plan would end now, not at the end of its period."
        )
    if command.shown not in (None, subscription.standing):
        raise Conflict("The subscription is another by now, or stands otherwise: nothing is ended.")
    if command.now or not subscription.lasts:
        end(account, subscription, SubscriptionStatus.CANCELLED, command.reason or "cancelled")
    elif not subscription.cancel_at_period_end:
        account.change_subscription()
        subscription.cancel_at_period_end = True
        subscription.pause_at_period_end = False
        subscription.next_plan = None
        account.record_step(StepKind.CHANGE_PLANNED, subscription, reason="cancel")
        tell(account, SubscriptionChanged, reason=command.reason or "cancel_planned")
    return done(account, subscription)


def ask_payer(account: Account, command: AskPayer) -> Outcome:
    payment = payment_of(account, command.payment_id)
    if payment.off_session and payment.status in OPEN_STATUSES:
        payment.off_session = False
        account.save_payment(payment)
    return Outcome(payment=payment)


def wait_for_charge(account: Account, command: WaitForCharge) -> Outcome:
    payment = payment_of(account, command.payment_id)
    waits = payment.status in OPEN_STATUSES and payment.off_session
    if waits and payment.subscription_id is not None:
        account.bind_request(payment.subscription_id)
    return Outcome(payment=payment)
