"""Taking back what a payment has bought."""

from __future__ import annotations

from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.commands import Clawback
from shothik_payment.domain.ledger.credits import tell_deducted
from shothik_payment.domain.ledger.grants import drop_empty_grants, held_grant
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.model.hold import Hold
from shothik_payment.domain.model.transaction import GrantPart, Transaction, TransactionKind


def claw_back(account: Account, command: Clawback) -> Outcome:
    row = take_back(
        account,
        command.payment_id,
        command.amount,
        books_debt=command.books_debt,
        reason=command.reason,
        binds=True,
    )
    if row is None:
        account.bind_request(command.payment_id)
    return Outcome(row)


def take_back(
    account: Account,
    payment_id: str,
    amount: int,
    *,
    books_debt: bool,
    reason: str | None,
    hold: Hold | None = None,
    binds: bool = False,
) -> Transaction | None:
    """Take `amount` from the payment's own grants: what `hold` has reserved of them first, all of
    which has to be taken, then what is available. What is missing becomes debt or is left. None
    where there is nothing to book."""
    left = amount
    held = 0
    parts = []
    if hold is not None:
        for grant_id, share in hold.parts:
            held_grant(account.wallet, hold, grant_id).held -= share
            held += share
            left -= share
            parts.append(GrantPart(grant_id, 0, -share))
    for grant in account.wallet.grants:
        taken = min(left, grant.available) if grant.payment_id == payment_id else 0
        if taken:
            grant.available -= taken
            left -= taken
            parts.append(GrantPart(grant.id, -taken, 0))
    drop_empty_grants(account.wallet)
    taken = amount - left
    debt = left if books_debt else 0
    if not taken and not debt:
        return None
    row = account.append(
        TransactionKind.CLAWBACK,
        taken + debt,
        parts,
        available=held - taken,
        held=-held,
        debt=debt,
        binds=binds,
        hold_id=hold.id if hold is not None else None,
        payment_id=payment_id,
        reason=reason,
    )
    if taken:
        tell_deducted(account, row, taken)
    return row
