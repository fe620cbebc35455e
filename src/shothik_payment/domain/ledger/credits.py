"""Spending and receiving credits: deduct, reverse, grant, adjust."""

from __future__ import annotations

from shothik_payment.domain.errors import (
    AlreadyReversed,
    BlockingHold,
    InsufficientCredits,
    InvalidRequest,
    LimitReached,
    NotFound,
    NotReversible,
    ReversalExceedsTransaction,
    UserFrozen,
    WrongService,
)
from shothik_payment.domain.events import CreditAdded, CreditDeducted, CreditRefunded
from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.commands import Adjust, Deduct, GrantCredits, Reverse
from shothik_payment.domain.ledger.expiry import expire_grants, move_spent_grant
from shothik_payment.domain.ledger.grants import find_grant, insert_grant, pay_debt, take
from shothik_payment.domain.ledger.limits import count_use, require_in_plan, uncount_use
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.model.grant import GrantSource
from shothik_payment.domain.model.hold import REFUNDS
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.transaction import GrantPart, Transaction, TransactionKind

_REVERSIBLE = (TransactionKind.DEDUCT, TransactionKind.CAPTURE)
_HOLDS_TOLD = 10


def require_credits(account: Account, required: int) -> None:
    wallet = account.wallet
    if wallet.available >= required:
        return
    holds = [hold for hold in wallet.holds.values() if hold.service != REFUNDS]
    holds.sort(key=lambda hold: (hold.expires_at, hold.id))
    raise InsufficientCredits(
        wallet.available,
        wallet.held,
        required,
        [BlockingHold(h.id, h.service, h.amount, h.expires_at) for h in holds[:_HOLDS_TOLD]],
        holds[0].expires_at if holds else None,
    )


def require_not_frozen(account: Account) -> None:
    if account.wallet.stops and account.wallet.frozen:
        raise UserFrozen(account.wallet.user_id)


def deduct(account: Account, command: Deduct) -> Outcome:
    require_not_frozen(account)
    amount = command.amount
    require_in_plan(account, command.service, amount)
    require_credits(account, amount)
    row = account.append(
        TransactionKind.DEDUCT,
        amount,
        take(account.wallet, amount),
        available=-amount,
        binds=True,
        service=command.service,
        feature=command.feature,
        metadata=command.metadata,
    )
    account.wallet.credits_used += amount
    count_use(account, command.service, amount)
    tell_deducted(account, row)
    return Outcome(row)


def tell_deducted(account: Account, row: Transaction, amount: int | None = None) -> None:
    """`amount` where less was taken than the row is about, the rest being debt."""
    account.tell(
        CreditDeducted(
            row.id,
            row.kind,
            row.amount if amount is None else amount,
            row.balance_after,
            row.balance_before,
            row.service,
            row.feature,
            row.hold_id,
            row.payment_id,
            row.reason,
            row.metadata,
        )
    )


def reverse(account: Account, command: Reverse) -> Outcome:
    original = account.transactions.get(command.transaction_id)
    if original is None:
        raise NotFound("transaction", command.transaction_id)
    if original.kind not in _REVERSIBLE:
        raise NotReversible(original.id, original.kind)
    if original.service != command.service:
        raise WrongService(command.service)
    given_back = account.reversed_totals.get(original.id, 0)
    left = original.amount - given_back
    if not left:
        raise AlreadyReversed(original.id, original.amount)
    amount = left if command.amount is None else command.amount
    if amount > left:
        raise ReversalExceedsTransaction(amount, left)

    paid = pay_debt(account.wallet, amount)
    parts = _give_back(account, _slice_taken(original, given_back + paid, amount - paid))
    account.reversed_totals[original.id] = given_back + amount
    row = account.append(
        TransactionKind.REVERSE,
        amount,
        parts,
        available=amount - paid,
        debt=-paid,
        binds=True,
        service=original.service,
        feature=original.feature,
        hold_id=original.hold_id,
        reverses=original.id,
        reversed_total=given_back + amount,
        reason=command.reason,
    )
    _unspend(account, amount - paid)
    uncount_use(account, original, amount, whole=amount == left)
    account.tell(
        CreditRefunded(
            row.id,
            original.id,
            amount,
            row.balance_after,
            row.balance_before,
            original.service,
            command.reason,
        )
    )
    expire_grants(account)
    return Outcome(row)


def _slice_taken(original: Transaction, skip: int, amount: int) -> list[tuple[str, int]]:
    """Which grants `amount` credits go back to, last taken first, after the first `skip`."""
    slices = []
    for part in reversed(original.parts):
        size = -(part.available_delta + part.held_delta)
        skipped = min(skip, size)
        skip -= skipped
        share = min(size - skipped, amount)
        if share:
            slices.append((part.grant_id, share))
            amount -= share
    return slices


def _give_back(account: Account, slices: list[tuple[str, int]]) -> list[GrantPart]:
    """Put credits back into the grants they came from.

    What has ended since goes into one new `reversal` grant with a grace period; a reversal grant
    keeps its own end, even a past one, so that nothing is renewed for ever.
    """
    parts = []
    lapsed = 0
    for grant_id, share in slices:
        grant = find_grant(account.wallet, grant_id)
        spent = grant is None
        if grant is None:
            grant = account.grants[grant_id]
            move_spent_grant(account, grant)
        if grant.expired(account.at) and grant.source is not GrantSource.REVERSAL:
            lapsed += share
            continue
        if spent:
            grant.available = grant.held = 0
            insert_grant(account.wallet, grant)
        grant.available += share
        parts.append(GrantPart(grant_id, share, 0))
    if lapsed:
        ends = Millis(account.at + account.rules.reversal_grace_ms)
        grant = account.open_grant(GrantSource.REVERSAL, lapsed, lapsed, expires_at=ends)
        parts.append(GrantPart(grant.id, lapsed, 0))
    return parts


def _unspend(account: Account, amount: int) -> None:
    """Credits given back count as unused, or as come in where their use is counted no more."""
    wallet = account.wallet
    unused = min(amount, wallet.credits_used)
    wallet.credits_used -= unused
    wallet.credits_in += amount - unused


def grant_credits(account: Account, command: GrantCredits) -> Outcome:
    return Outcome(book_grant(account, TransactionKind.GRANT, command, binds=True))


def book_grant(
    account: Account, kind: TransactionKind, terms: GrantCredits, *, binds: bool = False
) -> Transaction:
    """Book an inflow: the debt is paid first, the rest becomes a grant. `binds` as in `append`."""
    amount = terms.amount
    paid = pay_debt(account.wallet, amount)
    kept = amount - paid
    grant = account.open_grant(
        terms.source,
        amount,
        kept,
        expires_at=terms.expires_at,
        priority=terms.priority,
        payment_id=terms.payment_id,
        subscription_id=terms.subscription_id,
    )
    row = account.append(
        kind,
        amount,
        [GrantPart(grant.id, kept, 0)],
        available=kept,
        debt=-paid,
        binds=binds,
        payment_id=terms.payment_id,
        reason=terms.reason,
    )
    account.wallet.credits_in += kept
    account.tell(
        CreditAdded(
            row.id,
            amount,
            paid,
            row.balance_after,
            row.balance_before,
            terms.source,
            terms.payment_id,
            terms.subscription_id,
            terms.expires_at,
            terms.reason,
        )
    )
    return row


def adjust(account: Account, command: Adjust) -> Outcome:
    if command.amount > 0:
        limit = account.rules.max_open_grants
        if len(account.wallet.grants) >= limit:
            raise LimitReached("grants", limit)
        if command.expires_at is not None and command.expires_at <= account.at:
            raise InvalidRequest.of("expiresAt", "a time in the future")
        terms = GrantCredits(
            id=command.id,
            user_id=command.user_id,
            at=command.at,
            amount=command.amount,
            source=GrantSource.ADJUSTMENT,
            expires_at=command.expires_at,
            reason=command.reason,
        )
        return Outcome(book_grant(account, TransactionKind.ADJUST, terms, binds=True))
    amount = -command.amount
    require_credits(account, amount)
    row = account.append(
        TransactionKind.ADJUST,
        amount,
        take(account.wallet, amount),
        available=-amount,
        binds=True,
        reason=command.reason,
    )
    tell_deducted(account, row)
    return Outcome(row)
