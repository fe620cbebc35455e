"""Holds: reserve, capture what it really cost, release the rest."""

from __future__ import annotations

from shothik_payment.domain.errors import (
    CaptureExceedsHold,
    HoldClosed,
    HoldExpired,
    LimitReached,
    NotFound,
    WrongService,
)
from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.commands import CaptureHold, PlaceHold, ReleaseHold
from shothik_payment.domain.ledger.credits import (
    require_credits,
    require_not_frozen,
    tell_deducted,
)
from shothik_payment.domain.ledger.expiry import close_hold, expire_grants, release
from shothik_payment.domain.ledger.grants import drop_empty_grants, held_grant, take
from shothik_payment.domain.ledger.limits import count_use, require_in_plan
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.model.hold import Hold, HoldStatus
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.transaction import GrantPart, TransactionKind


def place_hold(account: Account, command: PlaceHold) -> Outcome:
    require_not_frozen(account)
    limit = account.rules.max_open_holds
    if len(account.wallet.holds) >= limit:
        raise LimitReached("holds", limit)
    amount = command.amount
    require_in_plan(account, command.service, amount)
    require_credits(account, amount)
    parts = take(account.wallet, amount, hold=True)
    hold = Hold(
        account.new_id("hold"),
        command.user_id,
        command.service,
        amount,
        0,
        HoldStatus.ACTIVE,
        account.at,
        Millis(account.at + command.ttl_ms),
        command.feature,
        [(part.grant_id, part.held_delta) for part in parts],
    )
    account.wallet.holds[hold.id] = hold
    account.save_hold(hold)
    row = account.append(
        TransactionKind.HOLD,
        amount,
        parts,
        available=-amount,
        held=amount,
        binds=True,
        service=command.service,
        feature=command.feature,
        hold_id=hold.id,
        metadata=command.metadata,
    )
    return Outcome(row, hold)


def capture_hold(account: Account, command: CaptureHold) -> Outcome:
    hold = _open_hold(account, command)
    amount = hold.amount if command.amount is None else command.amount
    if amount > hold.amount:
        raise CaptureExceedsHold(amount, hold.amount)
    charged, rest = _split(hold.parts, amount)
    close_hold(account, hold, HoldStatus.CAPTURED, amount)
    for grant_id, share in charged:
        held_grant(account.wallet, hold, grant_id).held -= share
    if rest:
        release(account, hold, rest, reason="captured_in_part")
        expire_grants(account)
    drop_empty_grants(account.wallet)
    row = account.append(
        TransactionKind.CAPTURE,
        amount,
        [GrantPart(grant_id, 0, -share) for grant_id, share in charged],
        held=-amount,
        binds=True,
        service=hold.service,
        feature=hold.feature,
        hold_id=hold.id,
    )
    account.wallet.credits_used += amount
    count_use(account, hold.service, amount)
    tell_deducted(account, row)
    return Outcome(row, hold)


def release_hold(account: Account, command: ReleaseHold) -> Outcome:
    hold = _open_hold(account, command)
    close_hold(account, hold, HoldStatus.RELEASED)
    row = release(account, hold, hold.parts, binds=True)
    expire_grants(account)
    return Outcome(row, hold)


def _open_hold(account: Account, command: CaptureHold | ReleaseHold) -> Hold:
    hold = account.wallet.holds.get(command.hold_id) or account.holds.get(command.hold_id)
    if hold is None:
        raise NotFound("hold", command.hold_id)
    if hold.service != command.service:
        raise WrongService(command.service)
    if hold.status is HoldStatus.EXPIRED:
        raise HoldExpired(hold.id, hold.expires_at)
    if hold.status is not HoldStatus.ACTIVE:
        raise HoldClosed(hold.id, hold.status)
    return hold


def _split(
    parts: list[tuple[str, int]], amount: int
) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """The first `amount` credits of a hold's parts, in the order taken, and the rest."""
    charged, rest = [], []
    for grant_id, share in parts:
        now = min(share, amount)
        amount -= now
        if now:
            charged.append((grant_id, now))
        if share > now:
            rest.append((grant_id, share - now))
    return charged, rest
