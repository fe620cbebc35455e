"""Booking what has ended: holds nobody captured, grants past their end."""

from __future__ import annotations

from shothik_payment.domain.events import CreditDeducted
from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.model.hold import Hold, HoldStatus
from shothik_payment.domain.model.transaction import GrantPart, Transaction, TransactionKind


def book_due(account: Account) -> None:
    """Book as rows whatever has ended by the command's time: holds first, then grants.

    The order does not matter to the sums: what a hold gives back to an ended grant expires too.
    """
    due = account.wallet.next_due()
    if due is None or due > account.at:
        return
    ended = [h for h in account.wallet.holds.values() if h.expires_at <= account.at]
    for hold in sorted(ended, key=lambda h: (h.expires_at, h.id)):
        close_hold(account, hold, HoldStatus.EXPIRED)
        release(account, hold, hold.parts, reason="hold_expired")
    expire_grants(account)


def expire_grants(account: Account) -> None:
    """Take what is available in ended grants; what holds have reserved of them stays."""
    ended = [g for g in account.wallet.grants if g.available and g.expired(account.at)]
    for grant in ended:
        amount = grant.available
        grant.available = 0
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
    if ended:
        account.drop_empty_grants()


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
    paid = to_debt = account.pay_debt(amount)
    parts = []
    for grant_id, share in reversed(slices):
        grant = account.held_grant(hold, grant_id)
        kept = share - min(share, to_debt)
        to_debt -= share - kept
        grant.held -= share
        grant.available += kept
        parts.append(GrantPart(grant_id, kept, -share))
    account.drop_empty_grants()
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
