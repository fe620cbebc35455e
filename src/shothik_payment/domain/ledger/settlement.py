"""Payments: from the intent to the credits that they buy. The state only moves forward."""

from __future__ import annotations

from dataclasses import replace

from shothik_payment.domain.errors import Conflict, NotFound, PaymentNotOpen
from shothik_payment.domain.events import PaymentCompleted, PaymentFailed
from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.commands import (
    AbandonPayment,
    AttachCheckout,
    ClosePayment,
    GrantCredits,
    OpenPayment,
    PostponeCheck,
    SettlePayment,
)
from shothik_payment.domain.ledger.credits import book_grant, require_not_frozen
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.model.grant import GrantSource
from shothik_payment.domain.model.payment import (
    OPEN_STATUSES,
    SETTLEABLE_STATUSES,
    Payment,
    PaymentStatus,
)
from shothik_payment.domain.model.transaction import TransactionKind


def open_payment(account: Account, command: OpenPayment) -> Outcome:
    require_not_frozen(account)
    if command.payment.id in account.payments:
        raise Conflict("This payment exists already.")
    payment = replace(command.payment, created_at=account.at)
    account.save_payment(payment)
    account.bind_request(payment.id)
    return Outcome(payment=payment)


def attach_checkout(account: Account, command: AttachCheckout) -> Outcome:
    payment = _payment(account, command.payment_id)
    if payment.session_id is None:
        if payment.status is PaymentStatus.FAILED:
            # Given up by a sweep or a concurrent repeat, and now it can be paid after all.
            payment.status = PaymentStatus.CREATED
            payment.failure_code = None
            payment.next_check_at = account.at
        if payment.status is PaymentStatus.CREATED:
            payment.status = PaymentStatus.PENDING
        payment.session_id = command.session_id
        payment.payment_url = command.payment_url
        account.save_payment(payment)
    return Outcome(payment=payment)


def abandon_payment(account: Account, command: AbandonPayment) -> Outcome:
    payment = _payment(account, command.payment_id)
    if payment.status is PaymentStatus.CREATED:
        payment.status = PaymentStatus.FAILED
        payment.failure_code = command.failure_code
        payment.next_check_at = None
        account.save_payment(payment)
        if command.request_key is not None:
            account.forget_request(command.request_key)
    return Outcome(payment=payment)


def settle_payment(account: Account, command: SettlePayment) -> Outcome:
    """Paid: once. Told again it changes nothing; another amount than asked goes to review."""
    payment = _payment(account, command.payment_id)
    if payment.status not in SETTLEABLE_STATUSES:
        return Outcome(payment=payment, replayed=True)
    payment.next_check_at = None
    if command.paid != payment.price:
        payment.status = PaymentStatus.REVIEW
        payment.review_reason = f"paid {command.paid}, asked for {payment.price}"
        account.save_payment(payment)
        return Outcome(payment=payment)
    payment.status = PaymentStatus.PAID
    payment.failure_code = None
    account.save_payment(payment)
    account.tell(PaymentCompleted(*_told(payment)))
    terms = GrantCredits(
        id=command.id,
        user_id=command.user_id,
        at=command.at,
        amount=payment.credits,
        source=GrantSource.PURCHASE,
        payment_id=payment.id,
    )
    row = book_grant(account, TransactionKind.GRANT, terms)
    return Outcome(row, payment=payment)


def close_payment(account: Account, command: ClosePayment) -> Outcome:
    payment = _payment(account, command.payment_id)
    if payment.status is command.status:
        return Outcome(payment=payment, replayed=True)
    if payment.status not in OPEN_STATUSES:
        raise PaymentNotOpen(payment.id, payment.status)
    payment.status = command.status
    payment.failure_code = command.failure_code
    payment.next_check_at = None
    account.save_payment(payment)
    if command.status is PaymentStatus.FAILED:
        account.tell(PaymentFailed(*_told(payment), failure_code=payment.failure_code))
    return Outcome(payment=payment)


def postpone_check(account: Account, command: PostponeCheck) -> Outcome:
    payment = _payment(account, command.payment_id)
    if payment.status in OPEN_STATUSES:
        payment.checks += 1
        payment.next_check_at = command.next_check_at
        account.save_payment(payment)
    return Outcome(payment=payment)


def _payment(account: Account, payment_id: str) -> Payment:
    payment = account.payments.get(payment_id)
    if payment is None:
        raise NotFound("payment", payment_id)
    return payment


def _told(payment: Payment) -> tuple[str, str, str | None, int, str, int, str | None]:
    """The leading fields of `PaymentEventData`."""
    return (
        payment.id,
        payment.gateway,
        payment.session_id,
        payment.price.amount_minor,
        payment.price.currency,
        payment.credits,
        payment.pack_id,
    )
