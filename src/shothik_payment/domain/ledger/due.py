"""Booking what has ended by a command's time: holds nobody captured, periods, grants."""

from __future__ import annotations

from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.expiry import close_hold, expire_grants, release
from shothik_payment.domain.ledger.renewals import book_subscription
from shothik_payment.domain.model.hold import HoldStatus


def book_due(account: Account) -> None:
    """Book as rows whatever has ended by the command's time: holds first, then grants.

    The order does not matter to the sums: what a hold gives back to an ended grant expires too.
    Between the two comes the subscription, which may let its grants live on.
    """
    due = account.wallet.next_due()
    if due is None or due > account.at:
        return
    ended = [h for h in account.wallet.holds.values() if h.expires_at <= account.at]
    for hold in sorted(ended, key=lambda h: (h.expires_at, h.id)):
        close_hold(account, hold, HoldStatus.EXPIRED)
        release(account, hold, hold.parts, reason="hold_expired")
    book_subscription(account)
    expire_grants(account)
