"""What a change of plan would do: the same command, applied to a copy."""

from __future__ import annotations

from dataclasses import dataclass

from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.machine import apply
from shothik_payment.domain.ledger.periods import same_period
from shothik_payment.domain.ledger.rules import Rules
from shothik_payment.domain.ledger.subscription_commands import Paying
from shothik_payment.domain.model.calendar import period_start
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.model.plan import Plan, Terms
from shothik_payment.domain.model.subscription import Subscription
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.ports.ledger_store import Snapshot


@dataclass(slots=True)
class Preview:
    """What a change of plan would do. `due` now (None: nothing) for `credits` now; the plan holds
    from `effective_at`; `renewal` is paid at `renews_at`."""

    plan: Plan
    effective_at: Millis
    due: Money | None
    credits: int
    renews_at: Millis
    renewal: Money | None


def foresee(wallet: Wallet, command: Paying, plan: Plan, rules: Rules) -> Preview:
    """Changes `wallet`. Raises what the command would be refused with."""
    current = wallet.subscription
    before = current if current is not None and not current.ended else None
    account = Account(Snapshot(wallet))
    available = wallet.available
    outcome = apply(account, command, rules)
    if outcome.refusal is not None:
        raise outcome.refusal
    after = account.wallet.subscription
    if after is None:
        raise RuntimeError("a subscription that was applied is there")
    payment = outcome.payment
    terms = plan.terms_in(after.currency) or plan.terms
    return Preview(
        plan,
        after.period_end if after.next_plan is not None else account.at,
        payment.price if payment is not None else None,
        payment.credits if payment is not None else max(0, account.wallet.available - available),
        _renews_at(account, after, before, terms, payment),
        terms.price,
    )


def _renews_at(
    account: Account,
    after: Subscription,
    before: Subscription | None,
    terms: Terms,
    payment: Payment | None,
) -> Millis:
    """A payment that is open yet may begin a period of its own."""
    if payment is None or (before is not None and same_period(before, terms)):
        return after.period_end
    return period_start(account.at, 1, terms.interval, after.time_zone)
