"""What a change of plan would do, by the same command, applied to a copy."""

from __future__ import annotations

from dataclasses import dataclass

from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.coming_terms import next_terms
from shothik_payment.domain.ledger.machine import apply
from shothik_payment.domain.ledger.periods import same_period
from shothik_payment.domain.ledger.rules import Rules
from shothik_payment.domain.ledger.standing import plan_of
from shothik_payment.domain.ledger.subscription_commands import ChangePlan, Subscribe
from shothik_payment.domain.model.calendar import period_start
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import OPEN_STATUSES, Payment
from shothik_payment.domain.model.plan import Terms
from shothik_payment.domain.model.subscription import PaidFor, Subscription, SubscriptionStatus
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.ports.ledger_store import Snapshot


@dataclass(slots=True)
class Preview:
    """What a change of plan would do. `due` now (None: nothing) for `credits` now; the plan, given
    by its id, holds from `effective_at`; `renewal` is paid at `renews_at`."""

    plan: str
    effective_at: Millis
    due: Money | None
    credits: int
    renews_at: Millis
    renewal: Money | None


def to_change(subscription: Subscription | None) -> Subscription | None:
    """The subscription, where a plan is chosen by a change of it. None: by beginning one, which
    replaces one that waits for its first payment."""
    if subscription is None or subscription.ended:
        return None
    return None if subscription.status is SubscriptionStatus.INCOMPLETE else subscription


def foresee(
    wallet: Wallet, awaited: Payment | None, command: Subscribe | ChangePlan, rules: Rules
) -> Preview:
    """`awaited`: the payment that the subscription waits for now. Changes `wallet`. Raises what the
    command would be refused with."""
    payments = {awaited.id: awaited} if awaited is not None else {}
    account = Account(Snapshot(wallet, payments=payments))
    available = wallet.available
    outcome = apply(account, command, rules)
    if outcome.refusal is not None:
        raise outcome.refusal
    after = account.wallet.subscription
    if after is None:
        raise RuntimeError("a subscription that was applied is there")
    payment = _open(account, after, command.plan)
    return Preview(
        command.plan,
        after.period_end if payment is None and after.next_plan == command.plan else account.at,
        payment.price if payment is not None else None,
        payment.credits if payment is not None else max(0, account.wallet.available - available),
        _renews_at(account, after, payment),
        _renewed_on(account, after, command.plan).price,
    )


def _renewed_on(account: Account, after: Subscription, plan_id: str) -> Terms:
    """The plan's, which may still wait for its payment."""
    if plan_id == after.terms.plan:  # sold still or not
        return next_terms(account.rules.billing, after) or after.terms
    plan = plan_of(account, plan_id)
    return plan.terms_in(after.currency) or plan.terms


def _open(account: Account, after: Subscription, plan_id: str) -> Payment | None:
    """The payment that the plan waits for: a new one, or that of a link which is open already."""
    awaited = after.awaited
    if awaited is None or awaited.paid_for is PaidFor.RENEWAL or awaited.terms.plan != plan_id:
        return None
    payment = account.payments.get(awaited.payment_id)
    return payment if payment is not None and payment.status in OPEN_STATUSES else None


def _renews_at(account: Account, after: Subscription, payment: Payment | None) -> Millis:
    """A payment that is open yet may begin a period of its own."""
    awaited = after.awaited
    if payment is None or awaited is None:
        return after.period_end
    if awaited.paid_for is PaidFor.UPGRADE and same_period(after, awaited.terms):
        return after.period_end
    return period_start(account.at, 1, awaited.terms.interval, after.time_zone)
