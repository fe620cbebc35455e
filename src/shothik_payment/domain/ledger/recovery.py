"""What of a payment's credits is taken back: refunds and disputes together.

For money returned or lost in a dispute, the share of the credits that it had bought, all of it
rounded down together; what is spent of them becomes debt. For money in an open dispute, what is
unspent. It is computed from what is true now, so it does not matter in which order that was told.
"""

from __future__ import annotations

from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.clawback import take_back
from shothik_payment.domain.ledger.commands import GrantCredits
from shothik_payment.domain.ledger.credits import book_grant
from shothik_payment.domain.model.grant import GrantSource
from shothik_payment.domain.model.hold import Hold
from shothik_payment.domain.model.payment import (
    Dispute,
    DisputeState,
    Payment,
    Refund,
    RefundState,
)
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.transaction import TransactionKind


def recover(account: Account, payment: Payment, reason: str, hold: Hold | None = None) -> None:
    """Take back what is due now and give again what is not any more, at the end of any change of
    the payment's refunds and disputes. `hold`, closed already, has reserved no more than is
    missing."""
    taken = credits_taken(payment)
    due, most = _share(payment, _gone(payment)), _share(payment, _gone(payment) + _open(payment))
    if taken > most:
        _give_again(account, payment, taken - most, reason)
        taken = most
    elif taken < due:
        take_back(account, payment.id, due - taken, books_debt=True, reason=reason, hold=hold)
        taken = due
    if taken < most:
        row = take_back(account, payment.id, most - taken, books_debt=False, reason="dispute")
        taken += row.amount if row is not None else 0
    _attribute(payment, taken)


def credits_missing(payment: Payment, more_minor: int = 0) -> int:
    """What would have to be taken back beyond what is, if `more_minor` were returned as well."""
    return max(0, _share(payment, _gone(payment) + more_minor) - credits_taken(payment))


def credits_taken(payment: Payment) -> int:
    return sum(refund.clawed for refund in payment.refunds) + sum(
        dispute.clawed for dispute in payment.disputes
    )


def _gone(payment: Payment) -> int:
    lost = (d.amount_minor for d in payment.disputes if d.state is DisputeState.LOST)
    return payment.refunded_minor + sum(lost)


def _open(payment: Payment) -> int:
    return sum(d.amount_minor for d in payment.disputes if d.state is DisputeState.OPEN)


def _share(payment: Payment, amount_minor: int) -> int:
    """None of them before they were granted."""
    if payment.grant_id is None or payment.paid is None or not payment.paid.amount_minor:
        return 0
    paid = payment.paid.amount_minor
    return payment.credits * min(amount_minor, paid) // paid


def _attribute(payment: Payment, taken: int) -> None:
    """Say of each refund and dispute what was taken for it: for what is gone first."""
    gone: list[Refund | Dispute] = [
        *(r for r in payment.refunds if r.state is RefundState.SUCCEEDED),
        *(d for d in payment.disputes if d.state is DisputeState.LOST),
    ]
    contested = [d for d in payment.disputes if d.state is DisputeState.OPEN]
    for refund in payment.refunds:
        refund.clawed = 0
    for dispute in payment.disputes:
        dispute.clawed = 0
    amount = said = 0
    for item in (*gone, *contested):
        amount += item.amount_minor
        item.clawed = min(taken, _share(payment, amount)) - said
        said += item.clawed


def _give_again(account: Account, payment: Payment, amount: int, reason: str) -> None:
    """Grant what was taken back, with the old end, at least the days of grace."""
    ends = payment.credits_expire_at
    if ends is not None:
        ends = Millis(max(ends, account.at + account.rules.reversal_grace_ms))
    terms = GrantCredits(
        id=account.command.id,
        user_id=payment.user_id,
        at=account.at,
        amount=amount,
        source=GrantSource.PURCHASE,
        expires_at=ends,
        payment_id=payment.id,
        reason=reason,
    )
    book_grant(account, TransactionKind.GRANT, terms)
