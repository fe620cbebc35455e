"""Booking what has ended of holds and grants."""

from __future__ import annotations

from shothik_payment.domain.events import CreditDeducted
from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.grants import drop_empty_grants, held_grant, pay_debt
from shothik_payment.domain.model.grant import Grant
from shothik_payment.domain.model.hold import Hold, HoldStatus
from shothik_payment.domain.model.subscription import Subscription
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.transaction import GrantPart, Transaction, TransactionKind


def expire_grants(account: Account) -> None:
    """Take what is available in ended grants; what holds have reserved of them stays."""
    ended = [g for g in account.wallet.grants if g.available and g.expired(account.at)]
    for grant in ended:
        burn(account, grant, grant.available)
    if ended:
        drop_empty_grants(account.wallet)


def burn(account: Account, grant: Grant, amount: int) -> None:
    """Take what has ended of one grant."""
    if not amount:
        return
    grant.available -= amount
    row = account.append(
        TransactionKind.EXPIRE,
        amount,
        [GrantPart(grant.id, -amount, 0)],
        available=-amount,
        payment_id=grant.payment_id,
        reason="grant_expired",
    )
    account.tell(
        CreditDeducted(
            row.id,
            row.kind,
            amount,
            row.balance_after,
            row.balance_before,
            payment_id=row.payment_id,
            reason=row.reason,
        )
    )


def move_spent_grant(account: Account, grant: Grant) -> None:
    """Give a subscription's grant the end that it would have, had it not been spent to the last
    credit: a wallet knows only those that have some left, so it was not moved with them."""
    subscription = account.wallet.subscription
    if grant.subscription_id is None or grant.expires_at is None:
        return
    ends: int = min(grant.expires_at, account.at)
    if subscription is not None and _of_this_period(subscription, grant):
        ends = max(subscription.period_end, subscription.next_step_at or 0)
        if subscription.dunning is not None:
            ends = max(ends, subscription.dunning.since + account.rules.billing.grace_ms)
    account.move_end(grant, Millis(ends))


def _of_this_period(subscription: Subscription, grant: Grant) -> bool:
    """Given in it, or gone on into it."""
    if subscription.id != grant.subscription_id or not subscription.running:
        return False
    given_in_it = grant.created_at >= subscription.period_start
    return given_in_it or grant.expires_at == subscription.period_end


def close_hold(account: Account, hold: Hold, status: HoldStatus, captured: int = 0) -> None:
    del account.wallet.holds[hold.id]
    hold.status = status
    hold.captured = captured
    account.save_hold(hold)


def release(
    account: Account,
    hold: Hold,
    slices: list[tuple[str, int]],
    *,
    reason: str | None = None,
    binds: bool = False,
) -> Transaction:
    """Give held credits back to their grants, the debt first, last taken first."""
    amount = sum(share for _, share in slices)
    paid = to_debt = pay_debt(account.wallet, amount)
    parts = []
    for grant_id, share in reversed(slices):
        grant = held_grant(account.wallet, hold, grant_id)
        kept = share - min(share, to_debt)
        to_debt -= share - kept
        grant.held -= share
        grant.available += kept
        parts.append(GrantPart(grant_id, kept, -share))
    drop_empty_grants(account.wallet)
    return account.append(
        TransactionKind.RELEASE,
        amount,
        parts,
        available=amount - paid,
        held=-amount,
        debt=-paid,
        binds=binds,
        service=hold.service,
        feature=hold.feature,
        hold_id=hold.id,
        reason=reason,
    )
