"""Refunds: the credits in question are reserved, the gateway is asked, then they are taken back.

A refund is known by our id, or by the gateway's where it began there. Its state moves forward only,
pending, succeeded, failed, so that what is told late or twice changes nothing; a refund that the
payer's bank sends back fails after it has succeeded.
"""

from __future__ import annotations

from shothik_payment.domain.errors import (
    LimitReached,
    NotFound,
    PaymentNotRefundable,
    RefundExceedsPayment,
    RefundInProgress,
)
from shothik_payment.domain.events import PaymentRefunded
from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.expiry import close_hold, expire_grants, release
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.payment_commands import BeginRefund, FailRefund, RecordRefund
from shothik_payment.domain.ledger.recovery import credits_missing, recover
from shothik_payment.domain.ledger.settlement import payment_of, settle_status, told_of
from shothik_payment.domain.model.hold import NEVER, REFUNDS, Hold, HoldStatus
from shothik_payment.domain.model.payment import (
    REFUNDABLE_STATUSES,
    Payment,
    Refund,
    RefundState,
)
from shothik_payment.domain.model.transaction import GrantPart, TransactionKind
from shothik_payment.domain.ports.gateway import GatewayRefund

_ORDER = [RefundState.PENDING, RefundState.SUCCEEDED, RefundState.FAILED]


def begin_refund(account: Account, command: BeginRefund) -> Outcome:
    payment = payment_of(account, command.payment_id)
    if payment.status not in REFUNDABLE_STATUSES or payment.paid is None:
        raise PaymentNotRefundable(payment.id, payment.status)
    under_way = payment.pending_refunds
    if under_way:
        raise RefundInProgress(payment.id, under_way[0].id)
    left = payment.refundable_minor
    amount = left if command.amount_minor is None else command.amount_minor
    if amount > left:
        raise RefundExceedsPayment(amount, left, payment.paid.currency)
    limit = account.rules.max_refunds
    if len(payment.refunds) >= limit:
        raise LimitReached("refunds of the payment", limit)
    refund = Refund(
        command.refund_id, amount, RefundState.PENDING, account.at, reason=command.reason
    )
    refund.request_id = command.request.client_key if command.request is not None else None
    _reserve(account, payment, refund)
    payment.next_check_at = command.next_check_at
    payment.checks = 0
    account.save_payment(payment)
    account.bind_request(payment.id)
    return Outcome(payment=payment)


def fail_refund(account: Account, command: FailRefund) -> Outcome:
    payment = payment_of(account, command.payment_id)
    refund = next((r for r in payment.refunds if r.id == command.refund_id), None)
    if refund is None:
        raise NotFound("refund", command.refund_id)
    if refund.state is RefundState.PENDING:
        _fail(account, payment, refund, command.failure_code)
        account.save_payment(payment)
        if command.request_key is not None:
            account.forget_request(command.request_key)
    return Outcome(payment=payment)


def record_refund(account: Account, command: RecordRefund) -> Outcome:
    payment = payment_of(account, command.payment_id)
    told = command.refund
    if payment.paid is None:
        return Outcome(payment=payment, replayed=True)
    refund = _known(payment, told)
    if refund is None:
        if told.state is RefundState.FAILED:
            return Outcome(payment=payment, replayed=True)
        refund = Refund(told.id, told.amount.amount_minor, RefundState.PENDING, account.at)
        _reserve(account, payment, refund)
    elif refund.gateway_id is None and refund.state is RefundState.FAILED:
        refund.state = RefundState.PENDING  # taken for refused, and done after all
    elif refund.gateway_id == told.id and _ORDER.index(told.state) <= _ORDER.index(refund.state):
        return Outcome(payment=payment, replayed=True)
    refund.gateway_id = told.id
    account.caused_by(refund.request_id)
    if told.state is RefundState.SUCCEEDED and refund.state is RefundState.PENDING:
        _succeed(account, payment, refund)
    elif told.state is RefundState.FAILED:
        _fail(account, payment, refund, told.failure_code)
    else:
        settle_status(account, payment)
    account.save_payment(payment)
    return Outcome(payment=payment)


def _known(payment: Payment, told: GatewayRefund) -> Refund | None:
    for refund in payment.refunds:
        if told.id == refund.gateway_id or refund.id == told.refund_id:
            return refund
    return None


def _reserve(account: Account, payment: Payment, refund: Refund) -> None:
    payment.refunds.append(refund)
    pending = payment.pending_refunds
    holds = [account.wallet.holds.get(other.hold_id or "") for other in pending]
    left = credits_missing(payment, sum(other.amount_minor for other in pending))
    left -= sum(hold.amount for hold in holds if hold is not None)
    parts = []
    for grant in account.wallet.grants:
        if grant.payment_id == payment.id and left > 0 and grant.available:
            share = min(left, grant.available)
            grant.available -= share
            grant.held += share
            left -= share
            parts.append(GrantPart(grant.id, -share, share))
    reserved = sum(part.held_delta for part in parts)
    if not reserved:
        return
    hold = Hold(
        account.new_id("hold"),
        payment.user_id,
        REFUNDS,
        reserved,
        0,
        HoldStatus.ACTIVE,
        account.at,
        NEVER,
        None,
        [(part.grant_id, part.held_delta) for part in parts],
    )
    account.wallet.holds[hold.id] = hold
    account.save_hold(hold)
    refund.hold_id = hold.id
    account.append(
        TransactionKind.HOLD,
        reserved,
        parts,
        available=-reserved,
        held=reserved,
        hold_id=hold.id,
        payment_id=payment.id,
        reason="refund",
    )


def _succeed(account: Account, payment: Payment, refund: Refund) -> None:
    refund.state = RefundState.SUCCEEDED
    refund.failure_code = None
    payment.refunded_minor += refund.amount_minor
    hold = account.wallet.holds.get(refund.hold_id or "")
    if hold is not None and hold.amount > credits_missing(payment):
        # A dispute has claimed a part of it meanwhile.
        _release(account, hold, "refund")
        hold = None
    if hold is not None:
        close_hold(account, hold, HoldStatus.CAPTURED, hold.amount)
    recover(account, payment, "refund", hold)
    settle_status(account, payment)
    account.tell(PaymentRefunded(*told_of(payment), refunded_minor=payment.refunded_minor))


def _fail(account: Account, payment: Payment, refund: Refund, code: str | None) -> None:
    if refund.state is RefundState.SUCCEEDED:
        payment.refunded_minor -= refund.amount_minor
    refund.state = RefundState.FAILED
    refund.failure_code = code
    hold = account.wallet.holds.get(refund.hold_id or "")
    if hold is not None:
        _release(account, hold, "refund_failed")
    recover(account, payment, "refund_failed")
    settle_status(account, payment)


def _release(account: Account, hold: Hold, reason: str) -> None:
    close_hold(account, hold, HoldStatus.RELEASED)
    release(account, hold, hold.parts, reason=reason)
    expire_grants(account)
