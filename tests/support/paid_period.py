"""Subscribers whose period was paid and ends when a test or the bench wants it to, booked by the
ledger's own code."""

from __future__ import annotations

from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.machine import apply
from shothik_payment.domain.ledger.payment_commands import SettlePayment
from shothik_payment.domain.ledger.rules import Rules
from shothik_payment.domain.ledger.subscription_commands import ExtendPeriod, Subscribe
from shothik_payment.domain.model.subscription import Subscription
from shothik_payment.domain.model.time import DAY, Millis
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.ports.ids import Ids
from shothik_payment.domain.ports.ledger_store import ChangeSet, Snapshot

_LONGEST_MONTH = 31 * DAY
ON_FILE = b"on file"
"""The sandbox's document `method_of` a user whose method may be charged."""


def method_of(user_id: str) -> str:
    return f"method {user_id}"


def subscriber(user_id: str, plan: str, end: Millis, rules: Rules, ids: Ids) -> ChangeSet:
    """A user never seen before who has paid a month of the plan at the sandbox, up to `end`."""
    account = Account(Snapshot(Wallet(user_id)))
    # A month before may be a day that there is not: the period is made as long as it has to be.
    at = Millis(end - _LONGEST_MONTH)
    asked = apply(
        account,
        Subscribe(
            id=ids.next(),
            user_id=user_id,
            at=at,
            gateway="sandbox",
            currency="USD",
            saved_method=True,
            plan=plan,
        ),
        rules,
    )
    if asked.payment is None:
        raise RuntimeError(f"nothing to pay: {asked.refusal}")
    apply(
        account,
        SettlePayment(
            id=ids.next(),
            user_id=user_id,
            at=at,
            payment_id=asked.payment.id,
            paid=asked.payment.price,
            reference=f"seeded {user_id}",
        ),
        rules,
    )
    days = (end - _of(account).period_end) // DAY
    if days:
        longer = ExtendPeriod(id=ids.next(), user_id=user_id, at=at, days=days, reason="seeded")
        apply(account, longer, rules)
    if _of(account).next_step_at != end:
        raise RuntimeError(f"the period of {user_id} ends at another time")
    change = account.change_set()
    if change is None:
        raise RuntimeError("a subscription without changes")
    return change


def _of(account: Account) -> Subscription:
    if account.wallet.subscription is None:
        raise RuntimeError("no subscription came about")
    return account.wallet.subscription
