"""What comes from the service that this one replaces. Nothing is told of it: for the users, and for
the services, nothing has changed."""

from __future__ import annotations

from dataclasses import dataclass

from shothik_payment.domain.errors import InvalidRequest, LimitReached
from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.commands import Command
from shothik_payment.domain.ledger.grants import drop_empty_grants, pay_debt
from shothik_payment.domain.ledger.limits import end_usage
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.standing import (
    already_there,
    done,
    new_subscription,
    plan_of,
)
from shothik_payment.domain.ledger.subscription_commands import Paying
from shothik_payment.domain.model.grant import GrantSource
from shothik_payment.domain.model.subscription import StepKind
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.transaction import GrantPart, Metadata, TransactionKind

TAKEN_OVER = "taken over"


@dataclass(slots=True, kw_only=True)
class TakeOverBalance(Command):
    """What is available in the old wallet, `amount` from 0 on: an empty one leaves a row as well,
    which binds its request key for good."""

    amount: int


@dataclass(slots=True, kw_only=True)
class TakeOverDeduction(Command):
    """A deduction that may still be reversed. Its credits are gone already, so the balance stays:
    a grant of the same size comes before it, which a reversal gives back to."""

    amount: int
    service: str
    feature: str | None = None
    metadata: Metadata | None = None


@dataclass(slots=True, kw_only=True)
class TakeOverSubscription(Paying):
    """A subscription that is in force, paid until `period_end`; then it is renewed by `gateway`, in
    a checkout where that has no saved method. Its credits are part of the balance."""

    plan: str
    period_start: Millis
    period_end: Millis
    cancel_at_period_end: bool = False


def take_over_balance(account: Account, command: TakeOverBalance) -> Outcome:
    paid = pay_debt(account.wallet, command.amount)
    kept = command.amount - paid
    parts = []
    if command.amount:
        parts.append(GrantPart(_open_grant(account, command.amount, kept), kept, 0))
    row = account.append(
        TransactionKind.GRANT,
        command.amount,
        parts,
        available=kept,
        debt=-paid,
        binds=True,
        reason=TAKEN_OVER,
    )
    account.wallet.credits_in += kept
    return Outcome(row)


def take_over_deduction(account: Account, command: TakeOverDeduction) -> Outcome:
    amount = command.amount
    grant = _open_grant(account, amount, amount)
    account.append(
        TransactionKind.GRANT,
        amount,
        [GrantPart(grant, amount, 0)],
        available=amount,
        reason=TAKEN_OVER,
    )
    account.grants[grant].available = 0
    drop_empty_grants(account.wallet)
    row = account.append(
        TransactionKind.DEDUCT,
        amount,
        [GrantPart(grant, -amount, 0)],
        available=-amount,
        binds=True,
        service=command.service,
        feature=command.feature,
        reason=TAKEN_OVER,
        metadata=command.metadata,
    )
    account.wallet.credits_in += amount
    account.wallet.credits_used += amount
    return Outcome(row)


def _open_grant(account: Account, amount: int, available: int) -> str:
    limit = account.rules.max_open_grants
    if len(account.wallet.grants) >= limit:
        raise LimitReached("grants", limit)
    return account.open_grant(GrantSource.ADJUSTMENT, amount, available).id


def take_over_subscription(account: Account, command: TakeOverSubscription) -> Outcome:
    terms = plan_of(account, command.plan).terms_in(command.currency)
    if terms is None:
        raise InvalidRequest.of("currency", f"one that {command.plan} is sold in")
    current = account.wallet.subscription
    if current is not None and not current.ended:
        raise already_there(current)
    subscription = new_subscription(account, terms, command)
    subscription.period_start = min(command.period_start, account.at)
    subscription.period_end = subscription.anchor = command.period_end
    subscription.next_step_at = command.period_end
    subscription.period = -1
    subscription.cancel_at_period_end = command.cancel_at_period_end
    account.wallet.had_trial = True
    end_usage(account)
    account.record_step(StepKind.CREATED, subscription, reason=TAKEN_OVER)
    return done(account, subscription)
